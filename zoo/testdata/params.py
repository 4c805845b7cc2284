"""Writes params.json.gz beside this script: the parameter names and shapes of timm's, torchvision's
and bench/golden/twins.py's networks, in the order of their state_dict (pip install torch torchvision timm).
"""
import gzip, json, pathlib, sys
import torch, timm, torchvision

here = pathlib.Path(__file__).resolve().parent
sys.path.append(str(here.parents[1] / 'bench' / 'golden'))
from twins import TWINS

TIMM = '''
mixnet_s mixnet_m mixnet_l mixnet_xl mixnet_xxl tf_mixnet_s tf_mixnet_m tf_mixnet_l
mobilenetv1_100 mobilenetv1_125 mobilenetv2_035 mobilenetv2_050 mobilenetv2_075 mobilenetv2_100 mobilenetv2_110d mobilenetv2_120d mobilenetv2_140
efficientnet_lite0 efficientnet_lite1 efficientnet_lite2 efficientnet_lite3 efficientnet_lite4 tf_efficientnet_lite0 tf_efficientnet_lite1 tf_efficientnet_lite2 tf_efficientnet_lite3 tf_efficientnet_lite4
mobilenetv3_large_075 mobilenetv3_large_100 mobilenetv3_small_050 mobilenetv3_small_075 mobilenetv3_small_100 tf_mobilenetv3_large_075 tf_mobilenetv3_large_100 tf_mobilenetv3_small_075 tf_mobilenetv3_small_100
mnasnet_050 mnasnet_075 mnasnet_100 mnasnet_140 semnasnet_050 semnasnet_075 semnasnet_100 semnasnet_140 fbnetc_100
resnet18 resnet34 resnet50 resnet101 resnet152
'''.split()
TORCHVISION = 'shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0'.split()

RENAMED = 'mobilenet_v2 mobilenet_v3_large mobilenet_v3_small mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3'.split()

def make(name):
    if name in TWINS:
        return TWINS[name]()
    if name in TIMM:
        return timm.create_model(name)
    return torchvision.models.get_model(name.removeprefix('torchvision_'))

out = {}
with torch.device('meta'):
    for name in TIMM + TORCHVISION + list(TWINS) + ['torchvision_' + n for n in RENAMED]:
        out[name] = [[k, list(v.shape)] for k, v in make(name).state_dict().items() if not k.endswith('num_batches_tracked')]
path = here / 'params.json.gz'
path.write_bytes(gzip.compress(json.dumps(out, separators=(',', ':')).encode(), 9, mtime=0))
print(len(out), 'networks,', path.stat().st_size, 'bytes')
