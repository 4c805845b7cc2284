"""The networks that golden files are made of: name -> function that makes the PyTorch module.

timm's by timm's names; ShuffleNetV2 and 'torchvision/...' by torchvision's; the rest are the twins."""
import functools

import timm
import torch
import torchvision
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.efficientnet import EfficientNet, _gen_mixnet_m, _gen_mnasnet_a1, _gen_mobilenet_v1, _gen_mobilenet_v2
from timm.models.mobilenetv3 import _gen_mobilenet_v3

from twins import TWINS

TIMM = ('mixnet_s mixnet_m mixnet_l mixnet_xl mixnet_xxl tf_mixnet_s tf_mixnet_m tf_mixnet_l '
        'mobilenetv1_100 mobilenetv1_125 mobilenetv2_035 mobilenetv2_050 mobilenetv2_075 mobilenetv2_100 mobilenetv2_110d '
        'mobilenetv2_120d mobilenetv2_140 mobilenetv3_large_075 mobilenetv3_large_100 mobilenetv3_small_050 mobilenetv3_small_075 '
        'mobilenetv3_small_100 tf_mobilenetv3_large_075 tf_mobilenetv3_large_100 tf_mobilenetv3_small_075 tf_mobilenetv3_small_100 '
        'mnasnet_050 mnasnet_075 mnasnet_100 mnasnet_140 semnasnet_050 semnasnet_075 semnasnet_100 semnasnet_140 fbnetc_100 '
        'efficientnet_lite0 tf_efficientnet_lite0 resnet18 resnet34 resnet50 resnet101 resnet152').split()
TORCHVISION = ('mobilenet_v2 mobilenet_v3_large mobilenet_v3_small mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3').split()

NETWORKS = {n: functools.partial(timm.create_model, n, drop_rate=0.0) for n in TIMM}
for _tag, _width in (('025', 0.25), ('050', 0.5), ('075', 0.75)):  # widths of the paper that timm has no name for
    NETWORKS[f'mobilenetv1_{_tag}'] = functools.partial(_gen_mobilenet_v1, 'mobilenetv1_100', _width)
NETWORKS['mobilenetv2_130'] = functools.partial(_gen_mobilenet_v2, 'mobilenetv2_100', 1.3)
for _width in ('x0_5', 'x1_0', 'x1_5', 'x2_0'):
    NETWORKS[f'shufflenet_v2_{_width}'] = getattr(torchvision.models, f'shufflenet_v2_{_width}')
for _name in TORCHVISION:
    NETWORKS[f'torchvision/{_name}'] = getattr(torchvision.models, _name)
NETWORKS |= TWINS


def small(blocks, stem, head, channels):
    """A MixNet for 28 to 32 pixels: timm's blocks behind a stem that keeps the resolution."""
    parts = []  # of equal resolution, by which the zoo numbers blocks
    for b in blocks:
        parts += [[]] if '_s2_' in b else []
        parts[-1].append(b)
    net = EfficientNet(decode_arch_def(parts), num_classes=10, num_features=head, in_chans=channels, stem_size=stem)
    net.conv_stem.stride = (1, 1)
    return net


SMALL = dict(
    mixnet_tiny=functools.partial(small, (
        'ir_r1_k3.5_s2_e3_c24', 'ir_r1_k3.5_s1_e3_c24',
        'ir_r1_k3.5.7_s2_e4_c48_se0.25_nsw', 'ir_r2_k3.5.7_s1_e3_c48_se0.25_nsw'), 16, 192, 1),
    mixnet_cifar=functools.partial(small, (
        'ds_r1_k3.5_s2_e1_c40', 'ir_r2_k3.5_s1_e3_c40',
        'ir_r1_k3.5.7_s2_e4_c80_se0.25_nsw', 'ir_r3_k3.5.7_s1_e4_c80_se0.25_nsw',
        'ir_r1_k3.5.7_s2_e4_c128_se0.25_nsw', 'ir_r2_k3.5_s1_e3_c128_se0.25_nsw'), 24, 512, 3))

# The networks of the zoo that have no golden files: others of the same code.
MORE = {n: functools.partial(timm.create_model, n, drop_rate=0.0) for i in range(1, 5) for n in (f'efficientnet_lite{i}', f'tf_efficientnet_lite{i}')}
for _tag, _width, _depth in (('xl', 1.6, 1.2), ('xxl', 2.4, 1.3)):
    MORE[f'tf_mixnet_{_tag}'] = functools.partial(_gen_mixnet_m, 'tf_mixnet_l', _width, _depth, bn_eps=1e-3, pad_type='same')
MORE['semnasnet_035'] = functools.partial(_gen_mnasnet_a1, 'semnasnet_075', 0.35)
MORE['mobilenetv3_large_125_timm'] = functools.partial(_gen_mobilenet_v3, 'mobilenetv3_large_100', 1.25)

ALL = NETWORKS | SMALL | MORE


def named(name):
    """The module of a network by its name in the zoo, NAME@kernel=K included: every depthwise kernel K wide."""
    base, _, kernel = name.partition('@kernel=')
    net = ALL[base.replace('torchvision_', 'torchvision/')]()
    if kernel:
        for m in list(net.modules()):
            for child, conv in m.named_children():
                if getattr(conv, 'groups', 1) > 1:
                    k = int(kernel)
                    setattr(m, child, torch.nn.Conv2d(conv.in_channels, conv.out_channels, k, conv.stride, k // 2, groups=conv.groups, bias=False))
    return net
