"""PyTorch networks written from their papers' descriptions, for the families that timm and torchvision lack.

Each has the names that the Go network has, so that rule.fill gives both the same weights, and the counted sizes are
checked to the last digit (COUNTED). They exist only to make golden outputs: nothing here is tuned for speed.

  shufflenet_v1_g3_x1_0 ...  ShuffleNetV1, groups 3 and 8, widths 0.5 to 2       arXiv 1707.01083
  shufflenet_v2_proj_x1_0 ...  ShuffleNetV2 as its authors released it          arXiv 1807.11164
  proxylessnas_mobile ...    ProxylessNAS mobile, 1.4x, cpu, gpu                 arXiv 1812.00332
  fbnet_a, _b, _c            FBNet                                               arXiv 1812.03443
  mobilenetv3_large_125      MobileNetV3-Large 1.25 with the last layer unscaled arXiv 1905.02244
  darts_v1, darts_v2         DARTS, ImageNet mobile setting, with auxiliary head arXiv 1806.09055
  nasnet_a_mobile            NASNet-A 4 @ 1056, with auxiliary head              arXiv 1707.07012
"""
import torch
import torch.nn.functional as F
from torch import nn

# Parameters and conv + fully connected multiply-adds (millions) at 224x224, as counted in the papers' released definitions.
COUNTED = {
    'shufflenet_v1_g3_x1_5': (3_442_168, '292.44'),
    'shufflenet_v1_g3_x2_0': (5_450_776, '524.05'),
    'shufflenet_v2_proj_x1_5': (3_507_720, '298.97'),
    'shufflenet_v2_proj_x2_0': (7_403_600, '590.78'),
    'proxylessnas_mobile': (4_080_512, '320.43'),
    'proxylessnas_mobile_14': (6_857_568, '580.88'),
    'proxylessnas_cpu': (4_361_648, '439.24'),
    'proxylessnas_gpu': (7_119_848, '465.26'),
    'fbnet_a': (4_304_584, '244.45'),
    'fbnet_b': (4_801_368, '291.00'),
    'fbnet_c': (5_570_664, '378.14'),
    'mobilenetv3_large_125': (7_460_424, '342.8'),
    'darts_v1': (4_510_432, '505.9'),
    'darts_v2': (4_718_752, '529.9'),
    'nasnet_a_mobile': (5_289_978, '563.64'),
}


def conv(cin, cout, k=1, stride=1, groups=1, dilation=1):
    return nn.Conv2d(cin, cout, k, stride, (k - 1) // 2 * dilation, dilation, groups, bias=False)


class Shuffled(nn.Module):
    """Inverted residual whose 1x1 convolutions may be grouped, with a channel shuffle before the depthwise convolution.

    With no expansion there is no first convolution, and the names are those of a depthwise-separable block."""

    def __init__(self, cin, cout, k, expand, stride, act, eps, groups=1, skip=True):
        super().__init__()
        mid = cin * expand
        self.expanded, self.groups, self.act = expand != 1, groups, act
        self.residual = skip and stride == 1 and cin == cout

        def bn(c):
            return nn.BatchNorm2d(c, eps=eps)
        if self.expanded:
            self.conv_pw, self.bn1 = conv(cin, mid, groups=groups), bn(mid)
            self.conv_dw, self.bn2 = conv(mid, mid, k, stride, mid), bn(mid)
            self.conv_pwl, self.bn3 = conv(mid, cout, groups=groups), bn(cout)
        else:
            self.conv_dw, self.bn1 = conv(mid, mid, k, stride, mid), bn(mid)
            self.conv_pw, self.bn2 = conv(mid, cout, groups=groups), bn(cout)

    def forward(self, x):
        y = self.act(self.bn1(self.conv_pw(x))) if self.expanded else x
        if self.groups > 1:
            y = shuffle(y, self.groups)
        if self.expanded:
            y = self.bn3(self.conv_pwl(self.act(self.bn2(self.conv_dw(y)))))
        else:
            y = self.bn2(self.conv_pw(self.act(self.bn1(self.conv_dw(y)))))
        return x + y if self.residual else y


def shuffle(x, groups):
    """Channel g*n + i goes to i*groups + g, for n channels in a group."""
    b, c, h, w = x.shape
    return x.reshape(b, groups, c // groups, h, w).transpose(1, 2).reshape(b, c, h, w)


class Inverted(nn.Module):
    """stem 3x3 -> blocks -> 1x1 head -> mean -> classifier. stages: lists of (out, kernel, expand, stride, groups)."""

    def __init__(self, stem, stages, head, act, eps=1e-5, classes=1000):
        super().__init__()
        self.act = act
        self.conv_stem, self.bn1 = conv(3, stem, 3, 2), nn.BatchNorm2d(stem, eps=eps)
        cin, blocks = stem, []
        for stage in stages:
            blocks.append(nn.Sequential())
            for out, k, expand, stride, groups in stage:
                blocks[-1].append(Shuffled(cin, out, k, expand, stride, act, eps, groups))
                cin = out
        self.blocks = nn.Sequential(*blocks)
        self.conv_head, self.bn2 = conv(cin, head), nn.BatchNorm2d(head, eps=eps)
        self.classifier = nn.Linear(head, classes)

    def forward(self, x):
        x = self.blocks(self.act(self.bn1(self.conv_stem(x))))
        return self.classifier(self.act(self.bn2(self.conv_head(x))).mean((2, 3)))


def stage(out, stride, ops):
    """ops: words like '5e3' or '3e1g2'; 'z' is a removed block."""
    rows = []
    for i, op in enumerate(ops.split()):
        if op == 'z':
            assert i > 0 or stride == 1
            continue
        op, _, groups = op.partition('g')
        k, _, e = op.partition('e')
        rows.append((out, int(k), int(e), stride if i == 0 else 1, int(groups or 1)))
    return rows


def proxylessnas(stem, head, *stages):
    strides = (1, 2, 2, 2, 1, 2, 1)
    return Inverted(stem, [stage(out, s, ops) for (out, ops), s in zip(stages, strides, strict=True)], head, F.relu6, eps=1e-3)


def proxylessnas_mobile(stem=32, first=16, widths=(32, 40, 80, 96, 192, 320), head=1280):
    ops = ('5e3 3e3 z z', '7e3 3e3 5e3 5e3', '7e6 5e3 5e3 5e3', '5e6 5e3 5e3 5e3', '7e6 7e6 7e3 7e3', '7e6')
    return proxylessnas(stem, head, (first, '3e1'), *zip(widths, ops))


def proxylessnas_mobile_14():
    return proxylessnas_mobile(48, 24, (40, 56, 112, 136, 256, 448), 1792)


def proxylessnas_cpu():
    return proxylessnas(40, 1432, (24, '3e1'), (32, '3e6 3e3 3e3 3e3'), (48, '3e6 3e3 3e3 5e3'), (88, '3e6 z z 3e3'),
                        (104, '5e6 3e3 3e3 3e3'), (216, '5e6 5e3 5e3 3e3'), (360, '5e6'))


def proxylessnas_gpu():
    return proxylessnas(40, 1728, (24, '3e1'), (32, '5e3 z z z'), (56, '7e3 z z 3e3'), (112, '7e6 z z 5e3'),
                        (128, '5e6 z 3e3 5e3'), (256, '7e6 7e6 7e6 5e6'), (432, '7e6'))


def fbnet(head, *ops):
    widths, strides = (16, 24, 32, 64, 112, 184, 352), (1, 2, 2, 2, 1, 2, 1)
    stages = [stage(w, s, o) for w, s, o in zip(widths, strides, ops, strict=True)]
    return Inverted(16, [s for s in stages if s], head, F.relu)


def fbnet_a():
    return fbnet(1504, 'z', '3e3 3e1 z z', '5e6 3e3 5e1 3e3', '5e6 5e3 5e1g2 5e6', '3e6 5e1g2 5e3 3e1g2', '5e6 5e6 5e3 5e6', '5e6')


def fbnet_b():
    return fbnet(1984, '3e1', '3e6 5e1 3e1 3e1', '5e6 5e3 3e6 5e6', '5e6 5e6 z 5e3', '5e6 3e1 5e1 5e3', '5e6 5e1 5e6 5e6', '3e6')


def fbnet_c():
    return fbnet(1984, '3e1', '3e6 z 3e1 3e1', '5e6 5e3 5e6 3e6', '5e6 5e3 5e6 5e6', '5e6 5e6 5e6 5e3', '5e6 5e6 5e6 5e6', '3e6')


def round8(v):
    """The nearest multiple of 8, halves up, but never more than 10 % less."""
    r = max(8, int(v + 4) // 8 * 8)
    return r if r >= 0.9 * v else r + 8


class SqueezeExcite(nn.Module):
    def __init__(self, c, squeeze):
        super().__init__()
        self.conv_reduce, self.conv_expand = nn.Conv2d(c, squeeze, 1), nn.Conv2d(squeeze, c, 1)

    def forward(self, x):
        return x * F.hardsigmoid(self.conv_expand(F.relu(self.conv_reduce(x.mean((2, 3), keepdim=True)))))


class V3Block(nn.Module):
    def __init__(self, cin, mid, cout, k, stride, se, act):
        super().__init__()
        self.act, self.expanded, self.residual = act, mid != cin, stride == 1 and cin == cout
        last = 'pwl', 'bn3'
        if self.expanded:
            self.conv_pw, self.bn1, self.conv_dw, self.bn2 = conv(cin, mid), nn.BatchNorm2d(mid), conv(mid, mid, k, stride, mid), nn.BatchNorm2d(mid)
        else:
            self.conv_dw, self.bn1 = conv(mid, mid, k, stride, mid), nn.BatchNorm2d(mid)
            last = 'pw', 'bn2'
        self.se = SqueezeExcite(mid, round8(mid / 4)) if se else nn.Identity()
        self.add_module('conv_' + last[0], conv(mid, cout))
        self.add_module(last[1], nn.BatchNorm2d(cout))

    def forward(self, x):
        if self.expanded:
            y = self.act(self.bn2(self.conv_dw(self.act(self.bn1(self.conv_pw(x))))))
            y = self.bn3(self.conv_pwl(self.se(y)))
        else:
            y = self.bn2(self.conv_pw(self.se(self.act(self.bn1(self.conv_dw(x))))))
        return x + y if self.residual else y


V3_LARGE = (  # kernel, expanded, out, squeeze-excite, activation, stride; a stage a line
    ((3, 16, 16, 0, 'RE', 1),),
    ((3, 64, 24, 0, 'RE', 2), (3, 72, 24, 0, 'RE', 1)),
    ((5, 72, 40, 1, 'RE', 2), (5, 120, 40, 1, 'RE', 1), (5, 120, 40, 1, 'RE', 1)),
    ((3, 240, 80, 0, 'HS', 2), (3, 200, 80, 0, 'HS', 1), (3, 184, 80, 0, 'HS', 1), (3, 184, 80, 0, 'HS', 1)),
    ((3, 480, 112, 1, 'HS', 1), (3, 672, 112, 1, 'HS', 1)),
    ((5, 672, 160, 1, 'HS', 2), (5, 960, 160, 1, 'HS', 1), (5, 960, 160, 1, 'HS', 1)),
)


class MobileNetV3Large(nn.Module):
    """Every width of the table, the expanded ones too, is scaled and rounded by itself; the last 1x1 keeps its 1280 channels."""

    def __init__(self, width, head=1280, classes=1000):
        super().__init__()
        cin = round8(16 * width)
        self.conv_stem, self.bn1 = conv(3, cin, 3, 2), nn.BatchNorm2d(cin)
        blocks = []
        for rows in V3_LARGE:
            blocks.append(nn.Sequential())
            for k, mid, out, se, act, stride in rows:
                cout = round8(out * width)
                blocks[-1].append(V3Block(cin, round8(mid * width), cout, k, stride, se, F.relu if act == 'RE' else F.hardswish))
                cin = cout
        last = nn.ModuleDict(dict(conv=conv(cin, 6 * cin), bn1=nn.BatchNorm2d(6 * cin)))
        last.forward = lambda x: F.hardswish(last.bn1(last.conv(x)))
        blocks.append(nn.Sequential(last))
        self.blocks = nn.Sequential(*blocks)
        self.conv_head = nn.Conv2d(6 * cin, head, 1)
        self.classifier = nn.Linear(head, classes)

    def forward(self, x):
        x = self.blocks(F.hardswish(self.bn1(self.conv_stem(x)))).mean((2, 3), keepdim=True)
        return self.classifier(F.hardswish(self.conv_head(x)).flatten(1))


def mobilenetv3_large_125():
    return MobileNetV3Large(1.25)


class ShuffleUnit(nn.Module):
    """The average pool counts the zeros of its padding, as in the released code. The shuffle stands where the paper has it:
    after the first group convolution."""

    def __init__(self, cin, cout, stride, groups, first):
        super().__init__()
        mid, branch = cout // 4, cout - cin if stride == 2 else cout
        self.stride, self.groups = stride, groups
        self.conv_pw, self.bn1 = conv(cin, mid, groups=1 if first else groups), nn.BatchNorm2d(mid)
        self.conv_dw, self.bn2 = conv(mid, mid, 3, stride, mid), nn.BatchNorm2d(mid)
        self.conv_pwl, self.bn3 = conv(mid, branch, groups=groups), nn.BatchNorm2d(branch)

    def forward(self, x):
        y = shuffle(F.relu(self.bn1(self.conv_pw(x))), self.groups)
        y = self.bn3(self.conv_pwl(self.bn2(self.conv_dw(y))))
        if self.stride == 1:
            return F.relu(x + y)
        return torch.cat([F.avg_pool2d(x, 3, 2, 1), F.relu(y)], 1)


class ShuffleNetV1(nn.Module):
    def __init__(self, stem, width, groups, classes=1000):
        super().__init__()
        self.conv_stem, self.bn1 = conv(3, stem, 3, 2), nn.BatchNorm2d(stem)
        cin, blocks = stem, []
        for s, repeats in enumerate((4, 8, 4)):
            out = width << s
            blocks.append(nn.Sequential(*[ShuffleUnit(out if i else cin, out, 1 if i else 2, groups, s == i == 0) for i in range(repeats)]))
            cin = out
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(cin, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv_stem(x))), 3, 2, 1)
        return self.classifier(self.blocks(x).mean((2, 3)))


class ShuffleV2Unit(nn.Module):
    """torchvision's unit and names, but for the strided unit's projection branch: it keeps its input's channels, and the other
    branch makes the rest. torchvision gives each half of the output. They differ in the first unit of stage 2 alone."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        keep = cin if stride == 2 else cout // 2
        mid, branch = cout // 2, cout - keep
        self.branch1 = nn.Sequential()
        if stride == 2:
            self.branch1 = nn.Sequential(conv(cin, cin, 3, 2, cin), nn.BatchNorm2d(cin), conv(cin, keep), nn.BatchNorm2d(keep), nn.ReLU())
        self.branch2 = nn.Sequential(conv(cin if stride == 2 else keep, mid), nn.BatchNorm2d(mid), nn.ReLU(), conv(mid, mid, 3, stride, mid),
                                     nn.BatchNorm2d(mid), conv(mid, branch), nn.BatchNorm2d(branch), nn.ReLU())

    def forward(self, x):
        a, b = (x, x) if len(self.branch1) else x.chunk(2, 1)
        return shuffle(torch.cat([self.branch1(a), self.branch2(b)], 1), 2)


class ShuffleNetV2(nn.Module):
    def __init__(self, widths, last, classes=1000):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 24, 3, 2), nn.BatchNorm2d(24), nn.ReLU())
        cin = 24
        for s, (out, repeats) in enumerate(zip(widths, (4, 8, 4))):
            setattr(self, f'stage{s + 2}', nn.Sequential(*[ShuffleV2Unit(out if i else cin, out, 1 if i else 2) for i in range(repeats)]))
            cin = out
        self.conv5 = nn.Sequential(conv(cin, last), nn.BatchNorm2d(last), nn.ReLU())
        self.fc = nn.Linear(last, classes)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 3, 2, 1)
        return self.fc(self.conv5(self.stage4(self.stage3(self.stage2(x)))).mean((2, 3)))


class FactorizedReduce(nn.Module):
    """Halves the resolution by two strided 1x1 convolutions, the second on the input shifted by one pixel (zeros enter)."""

    def __init__(self, cin, cout, eps=1e-5, momentum=0.1):
        super().__init__()
        self.conv1, self.conv2 = conv(cin, cout // 2, stride=2), conv(cin, cout // 2, stride=2)
        self.bn = nn.BatchNorm2d(cout, eps=eps, momentum=momentum)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv1(x), self.conv2(F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:])], 1))


class ReluConv(nn.Module):
    def __init__(self, cin, cout, eps=1e-5, momentum=0.1):
        super().__init__()
        self.conv, self.bn = conv(cin, cout), nn.BatchNorm2d(cout, eps=eps, momentum=momentum)

    def forward(self, x):
        return self.bn(self.conv(F.relu(x)))


class Separable(nn.Module):
    """Twice (ReLU, depthwise, 1x1, batch norm); the first depthwise has the stride."""

    def __init__(self, c, k, stride):
        super().__init__()
        self.dw1, self.pw1, self.bn1 = conv(c, c, k, stride, c), conv(c, c), nn.BatchNorm2d(c)
        self.dw2, self.pw2, self.bn2 = conv(c, c, k, 1, c), conv(c, c), nn.BatchNorm2d(c)

    def forward(self, x):
        x = self.bn1(self.pw1(self.dw1(F.relu(x))))
        return self.bn2(self.pw2(self.dw2(F.relu(x))))


class Dilated(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.dw, self.pw, self.bn = conv(c, c, k, stride, c, 2), conv(c, c), nn.BatchNorm2d(c)

    def forward(self, x):
        return self.bn(self.pw(self.dw(F.relu(x))))


def darts_op(word, c, stride):
    return {'sep3': lambda: Separable(c, 3, stride), 'sep5': lambda: Separable(c, 5, stride), 'dil3': lambda: Dilated(c, 3, stride),
            'dil5': lambda: Dilated(c, 5, stride), 'max3': lambda: nn.MaxPool2d(3, stride, 1),
            'avg3': lambda: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
            'skip': lambda: FactorizedReduce(c, c) if stride == 2 else nn.Identity()}[word]()


class DartsCell(nn.Module):
    """Four steps, each the sum of two operations on earlier states (0, 1: the two inputs); the output joins the steps."""

    def __init__(self, genotype, c0, c1, c, reduction, after_reduction):
        super().__init__()
        self.pre0 = FactorizedReduce(c0, c) if after_reduction else ReluConv(c0, c)
        self.pre1 = ReluConv(c1, c)
        self.edges = [(w.split('.')[0], int(w.split('.')[1])) for w in genotype.split()]
        self.ops = nn.ModuleList(darts_op(op, c, 2 if reduction and state < 2 else 1) for op, state in self.edges)

    def forward(self, s0, s1):
        states = [self.pre0(s0), self.pre1(s1)]
        values = iter(zip(self.ops, self.edges))
        for (op1, (_, i)), (op2, (_, j)) in zip(values, values):
            states.append(op1(states[i]) + op2(states[j]))
        return torch.cat(states[2:], 1)


class DartsAux(nn.Module):
    """Written for 7x7 inputs, that is for images of 224 pixels. No batch norm after the second convolution."""

    def __init__(self, cin, classes):
        super().__init__()
        self.conv1, self.bn1 = conv(cin, 128), nn.BatchNorm2d(128)
        self.conv2 = nn.Conv2d(128, 768, 2, bias=False)
        self.fc = nn.Linear(768, classes)

    def forward(self, x):
        x = F.avg_pool2d(F.relu(x), 5, 2)
        return self.fc(F.relu(self.conv2(F.relu(self.bn1(self.conv1(x))))).flatten(1))


class Darts(nn.Module):
    def __init__(self, normal, reduce, aux=False, c=48, cells=14, classes=1000):
        super().__init__()
        self.stem0 = nn.ModuleDict(dict(conv1=conv(3, c // 2, 3, 2), bn1=nn.BatchNorm2d(c // 2), conv2=conv(c // 2, c, 3, 2), bn2=nn.BatchNorm2d(c)))
        self.stem1 = nn.ModuleDict(dict(conv=conv(c, c, 3, 2), bn=nn.BatchNorm2d(c)))
        self.reductions = (cells // 3, 2 * cells // 3)
        self.cells = nn.ModuleList()
        c0 = c1 = c
        after = True
        for i in range(cells):
            here = i in self.reductions
            c *= 2 if here else 1
            self.cells.append(DartsCell(reduce if here else normal, c0, c1, c, here, after))
            c0, c1, after = c1, 4 * c, here
            if aux and i == self.reductions[1]:
                self.aux = DartsAux(c1, classes)
        self.classifier = nn.Linear(c1, classes)

    def forward(self, x):
        s = self.stem0
        s0 = s.bn2(s.conv2(F.relu(s.bn1(s.conv1(x)))))
        s1 = self.stem1.bn(self.stem1.conv(F.relu(s0)))
        for i, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1)
            if self.training and hasattr(self, 'aux') and i == self.reductions[1]:
                side = self.aux(s1)
        y = self.classifier(s1.mean((2, 3)))
        return (y, side) if self.training and hasattr(self, 'aux') else y


def darts_v1(aux=False):
    return Darts('sep3.1 sep3.0 skip.0 sep3.1 skip.0 sep3.1 sep3.0 skip.2', 'max3.0 max3.1 skip.2 max3.0 max3.0 skip.2 skip.2 avg3.0', aux)


def darts_v2(aux=False):
    return Darts('sep3.0 sep3.1 sep3.0 sep3.1 sep3.1 skip.0 skip.0 dil3.2', 'max3.0 max3.1 skip.2 max3.1 max3.0 skip.2 skip.2 max3.1', aux)


def same(x, k, stride, value=0.0):
    """Pads as TensorFlow's SAME does: the odd pixel at the bottom and right."""
    pads = []
    for n in (int(x.shape[3]), int(x.shape[2])):  # numbers, so that exports hold them as such
        total = max((-(-n // stride) - 1) * stride + k - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


class NasSeparable(nn.Module):
    """Separable with SAME padding; the first 1x1 already gives the cell's width."""

    def __init__(self, cin, c, k, stride, bn):
        super().__init__()
        self.k, self.stride = k, stride
        self.dw1, self.pw1, self.bn1 = nn.Conv2d(cin, cin, k, stride, groups=cin, bias=False), conv(cin, c), bn(c)
        self.dw2, self.pw2, self.bn2 = nn.Conv2d(c, c, k, groups=c, bias=False), conv(c, c), bn(c)

    def forward(self, x):
        x = self.bn1(self.pw1(self.dw1(same(F.relu(x), self.k, self.stride))))
        return self.bn2(self.pw2(self.dw2(same(F.relu(x), self.k, 1))))


class NasPool(nn.Module):
    """3x3, SAME; the average is over the pixels inside the image."""

    def __init__(self, kind, stride):
        super().__init__()
        self.kind, self.stride = kind, stride

    def forward(self, x):
        if self.kind == 'max':
            return F.max_pool2d(same(x, 3, self.stride, float('-inf')), 3, self.stride)
        inside = same(torch.ones(1, 1, int(x.shape[2]), int(x.shape[3])), 3, self.stride)
        return F.avg_pool2d(same(x, 3, self.stride), 3, self.stride) / F.avg_pool2d(inside, 3, self.stride)


NAS_NORMAL = ('sep5.cur sep3.prev', 'sep5.prev sep3.prev', 'avg3.cur skip.prev', 'avg3.prev avg3.prev', 'sep3.cur skip.cur')
NAS_REDUCE = ('sep5.cur sep7.prev', 'max3.cur sep7.prev', 'avg3.cur sep5.prev', 'skip.c1 avg3.c0', 'sep3.c0 max3.cur')


class NasCell(nn.Module):
    """Five sums of two operations on cur, prev and earlier sums; the output joins prev and all sums (normal), or the last four
    (reduction). prev_adjust: 'reduce', 'project', or None where prev enters as it is."""

    def __init__(self, cin, cprev, c, reduction, prev_adjust, bn):
        super().__init__()
        self.steps, self.reduction = NAS_REDUCE if reduction else NAS_NORMAL, reduction
        norm = dict(eps=1e-3, momentum=3e-4)
        self.cur = ReluConv(cin, c, **norm)
        self.prev = {'reduce': FactorizedReduce, 'project': ReluConv}[prev_adjust](cprev, c, **norm) if prev_adjust else nn.Identity()
        width = dict(cur=c, prev=c if prev_adjust else cprev)
        for i, step in enumerate(self.steps):
            sides = nn.ModuleDict()
            for side, word in zip(('left', 'right'), step.split()):
                op, state = word.split('.')
                stride = 2 if reduction and state in ('cur', 'prev') else 1
                sides[side] = (NasSeparable(width.get(state, c), c, int(op[3]), stride, bn) if op.startswith('sep')
                               else nn.Identity() if op == 'skip' else NasPool(op[:3], stride))
            self.add_module(f'c{i}', sides)

    def forward(self, prev, cur):
        s = dict(prev=self.prev(prev), cur=self.cur(cur))
        for i, step in enumerate(self.steps):
            (_, a), (_, b) = (w.split('.') for w in step.split())
            sides = getattr(self, f'c{i}')
            s[f'c{i}'] = sides.left(s[a]) + sides.right(s[b])
        names = ('c1', 'c2', 'c3', 'c4') if self.reduction else ('prev', 'c0', 'c1', 'c2', 'c3', 'c4')
        return torch.cat([s[n] for n in names], 1)


class NasAux(nn.Module):
    """side: height and width of the last convolution, which covers what the pool leaves of the network's own image size."""

    def __init__(self, cin, classes, bn, side=4):
        super().__init__()
        self.conv1, self.bn1 = conv(cin, 128), bn(128)
        self.conv2, self.bn2 = nn.Conv2d(128, 768, side, bias=False), bn(768)
        self.fc = nn.Linear(768, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(F.avg_pool2d(F.relu(x), 5, 3))))
        return self.fc(F.relu(self.bn2(self.conv2(x))).flatten(1))


class NasNet(nn.Module):
    def __init__(self, aux=False, c=44, repeats=4, classes=1000):
        super().__init__()

        def bn(n):
            return nn.BatchNorm2d(n, eps=1e-3, momentum=3e-4)
        self.conv0, self.bn0 = nn.Conv2d(3, 32, 3, 2, bias=False), bn(32)
        plan = [(c // 4, True), (c // 2, True)] + [(c, False)] * repeats
        for scale in (2, 4):
            plan += [(c * scale, True)] + [(c * scale, False)] * repeats
        self.cells = nn.ModuleList()
        cprev, cin, halved = None, 32, False  # halved: the previous cell was a reduction, so prev is twice as large as cur
        for i, (f, reduction) in enumerate(plan):
            adjust = None if i == 0 else 'reduce' if halved else 'project'
            self.cells.append(NasCell(cin, cprev or cin, f, reduction, adjust, bn))
            cprev, cin, halved = cin, f * (4 if reduction else 6), reduction
        self.aux_after = len(plan) - repeats - 2
        if aux:
            self.aux = NasAux(c * 2 * 6, classes, bn)
        self.classifier = nn.Linear(cin, classes)

    def forward(self, x):
        cur = self.bn0(self.conv0(x))
        prev = cur
        for i, cell in enumerate(self.cells):
            prev, cur = cur, cell(prev, cur)
            if self.training and hasattr(self, 'aux') and i == self.aux_after:
                side = self.aux(cur)
        y = self.classifier(F.relu(cur).mean((2, 3)))
        return (y, side) if self.training and hasattr(self, 'aux') else y


TWINS = dict(proxylessnas_mobile=proxylessnas_mobile, proxylessnas_mobile_14=proxylessnas_mobile_14, proxylessnas_cpu=proxylessnas_cpu,
             proxylessnas_gpu=proxylessnas_gpu, fbnet_a=fbnet_a, fbnet_b=fbnet_b, fbnet_c=fbnet_c, mobilenetv3_large_125=mobilenetv3_large_125,
             darts_v1=darts_v1, darts_v2=darts_v2, nasnet_a_mobile=NasNet)
for _groups, _width in ((3, 240), (8, 384)):
    for _tag, _scale, _stem in (('0_5', 0.5, 12 if _groups == 3 else 16), ('1_0', 1, 24), ('1_5', 1.5, 24), ('2_0', 2, 48)):
        TWINS[f'shufflenet_v1_g{_groups}_x{_tag}'] = (lambda s=_stem, w=int(_width * _scale), g=_groups: ShuffleNetV1(s, w, g))


for _tag, _widths, _last in (('0_5', (48, 96, 192), 1024), ('1_0', (116, 232, 464), 1024), ('1_5', (176, 352, 704), 1024), ('2_0', (244, 488, 976), 2048)):
    TWINS[f'shufflenet_v2_proj_x{_tag}'] = lambda w=_widths, c=_last: ShuffleNetV2(w, c)


def check():
    """Compares every twin's size with the counted one, as many digits as that has."""
    from rule import count
    wrong = []
    for name, make in TWINS.items():
        params, macs = count(make())
        want = COUNTED.get(name)
        ok = not want or (params == want[0] and f'{macs / 1e6:.{len(want[1].partition(".")[2])}f}' == want[1])
        wrong += [] if ok else [name]
        print(f'{name:24} {params:>10,} {macs:>14,}', '' if not want else 'ok' if ok else f'expected {want}')
    raise SystemExit(f'wrong: {wrong}' if wrong else 0)


if __name__ == '__main__':
    check()
