"""Makes weights/testdata/names.json: module names of the same network in two implementations.

    python bench/golden/weight_names.py weights/testdata/names.json

For each source of weights: the network of timm, and the pairs [source's module, timm's module] for all modules with
parameters. Both state dicts list modules in the order of execution, so equal shapes all along pair them.
"""
import json
import sys

import timm
import torchvision
from efficientnet_lite_pytorch import EfficientNet

SOURCES = {
    "efficientnet_lite_pytorch": ("tf_efficientnet_lite0", lambda: EfficientNet.from_name("efficientnet-lite0")),
    "torchvision MobileNetV2": ("mobilenetv2_100", torchvision.models.mobilenet_v2),
    "torchvision MobileNetV3": ("mobilenetv3_large_100", torchvision.models.mobilenet_v3_large),
    "torchvision MobileNetV3 small": ("mobilenetv3_small_100", torchvision.models.mobilenet_v3_small),
    "torchvision MNASNet": ("mnasnet_100", torchvision.models.mnasnet1_0),
    "timm ResNet": ("resnet18", torchvision.models.resnet18),
}


def modules(net):
    return [(k.removesuffix(".weight"), v.numel(), list(v.shape)) for k, v in net.state_dict().items() if k.endswith(".weight")]


out = {}
for source, (name, build) in SOURCES.items():
    a, b = modules(build()), modules(timm.create_model(name))
    assert [x[1] for x in a] == [x[1] for x in b], source
    out[source] = {"network": name, "modules": [[x[0], y[0]] for x, y in zip(a, b)]}
with open(sys.argv[1], "w") as f:
    json.dump(out, f, separators=(",", ":"))
