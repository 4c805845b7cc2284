"""Writes the networks as PyTorch itself exports them to ONNX, for onnx's TestFiles.

    python bench/golden/onnx_files.py DIR [NAME ...]

For every network DIR/NAME.old.onnx by the exporter that traces TorchScript, opset 13, 17 or 20 in turn, and
DIR/NAME.new.onnx by torch.export, opset 18, 20 or 23, with its weights in a file beside it. Parameters follow rule.py.
Needs torch, timm, torchvision, onnx and onnxscript.
"""
import pathlib
import sys
import warnings

import torch

import rule
from networks import ALL, SMALL

warnings.filterwarnings('ignore')
OPSETS = dict(old=(13, 17, 20), new=(18, 20, 23))


def side(name):
    if name == 'mixnet_tiny':
        return 28, 1
    return (32 if name in SMALL else 112), 3


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    names = list(ALL)
    for name in sys.argv[2:] or names:
        turn = names.index(name) % 3
        size, channels = side(name)
        net = rule.fill(ALL[name]()).eval()
        x = torch.zeros(1, channels, size, size)
        for exporter, opsets in OPSETS.items():
            path = out / f'{name.replace("/", "_")}.{exporter}.onnx'
            torch.onnx.export(net, (x,), str(path), opset_version=opsets[turn], dynamo=exporter == 'new', verbose=False)
            print(path, 'opset', opsets[turn], flush=True)


if __name__ == '__main__':
    main()
