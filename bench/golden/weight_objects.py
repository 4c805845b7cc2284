"""Weight files with what training scripts put beside weights, for weights/testdata/objects.

    python weight_objects.py ../../weights/testdata/objects

objects_2.pth, objects_4.pth   objects of the standard library, of other packages and of the script's own, pickle protocols 2 and 4
tensors_in_object.pth          weights in a class of the script's own, to be refused
float8.pth, float8.safetensors a tensor of a type that cannot be read, which no parameter needs
"""
import argparse
import collections
import datetime
import decimal
import enum
import functools
import pathlib
import sys
import types
import uuid

import torch
from safetensors.torch import save_file


def elsewhere(name, cls):
    """Makes cls a class of another module."""
    module = sys.modules.setdefault(name, types.ModuleType(name))
    cls.__module__, cls.__qualname__ = name, cls.__name__
    setattr(module, cls.__name__, cls)
    return cls


class DictConfig:
    def __init__(self, content):
        self._content = content


class Mode(enum.Enum):
    FAST = 1


class State(dict):
    pass


class Point(collections.namedtuple('Point', 'x y')):
    pass


def main():
    out = pathlib.Path(sys.argv[1])
    sys.modules['omegaconf'] = types.ModuleType('omegaconf')
    elsewhere('omegaconf.dictconfig', DictConfig)
    for cls in Mode, State, Point:
        elsewhere('trainer', cls)
    weights = {'conv.weight': torch.arange(8.).reshape(2, 4), 'conv.bias': torch.tensor([1.5, -2.5])}
    checkpoint = {
        'model': weights,
        'args': argparse.Namespace(out=pathlib.PosixPath('runs/a'), lr=0.1),
        'when': datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        'day': datetime.date(2026, 1, 2), 'took': datetime.timedelta(seconds=5),
        'mode': Mode.FAST, 'hyper_parameters': DictConfig({'lr': 0.1, 'sizes': [1, 2]}),
        'epoch': 3, 'price': decimal.Decimal('1.5'), 'log': State(a=1, b=[2, 3]), 'point': Point(1, 2),
        'id': uuid.UUID(int=5), 'hook': functools.partial(int, base=2), 'set': {1, 2}, 'frozen': frozenset('ab'),
    }
    for protocol in 2, 4:
        torch.save(checkpoint, out / f'objects_{protocol}.pth', pickle_protocol=protocol)
    torch.save({'model': State(weights)}, out / 'tensors_in_object.pth')
    float8 = {'conv.weight': weights['conv.weight'], 'conv.scale': torch.ones(3).to(torch.float8_e4m3fn)}
    torch.save(float8, out / 'float8.pth')
    save_file(float8, out / 'float8.safetensors')


if __name__ == '__main__':
    main()
