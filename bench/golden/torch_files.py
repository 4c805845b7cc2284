"""Makes weights/testdata/torch: small checkpoints as PyTorch and safetensors write them.

    python bench/golden/torch_files.py [OUT]

expected.json lists, for each file, its tensors by full name: dtype, shape and values. A name's path through nested
dictionaries is joined with '/' when the tensors do not lie at the top ('state_dict/conv.weight'). float values are written
so that they read back exactly; bfloat16 and float16 values are given as float32. 'same' names the tensors that share one
storage. The hostile files must be refused; hostile.json says what each would have done.
"""
import argparse
import collections
import io
import json
import pathlib
import pickle
import zipfile

import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tensors():
    """One tensor of each kind; values are exact in every float type used."""
    t = collections.OrderedDict()
    t['conv.weight'] = (torch.arange(2 * 3 * 3 * 3, dtype=torch.float32) - 20).reshape(2, 3, 3, 3) / 8
    t['conv.bias'] = torch.tensor([0.5, -1.25])
    t['half'] = torch.tensor([1.0, -2.5, 65504.0, 6.103515625e-05]).half()
    t['bf16'] = (torch.arange(6, dtype=torch.float32) - 2.5).bfloat16().reshape(2, 3)
    t['double'] = torch.tensor([1 / 3, -1e300], dtype=torch.float64)
    t['bn.num_batches_tracked'] = torch.tensor(1234567890123, dtype=torch.int64)
    t['int32'] = torch.tensor([-7, 7], dtype=torch.int32)
    t['uint8'] = torch.tensor([0, 128, 255], dtype=torch.uint8)
    t['bool'] = torch.tensor([True, False, True])
    t['empty'] = torch.empty(0, 4)
    return t


def views():
    """Tensors that are windows into larger or shared storages."""
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return collections.OrderedDict(base=base, transposed=base.t(), column=base[:, 2], rows=base[1:3], every_other=base[::2, ::3],
                                   expanded=torch.tensor([3.0]).expand(2, 2), permuted=torch.arange(24.).reshape(2, 3, 4).permute(2, 0, 1),
                                   channels_last=torch.arange(24.).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last))


def describe(t):
    d = t.detach()
    values = d.double().flatten().tolist() if d.is_floating_point() else [int(v) for v in d.flatten().tolist()]
    return dict(dtype=str(d.dtype).removeprefix('torch.'), shape=list(d.shape), values=values)


def flatten(obj, path=''):
    for k, v in obj.items():
        if isinstance(v, torch.Tensor):
            yield path + k, v
        elif isinstance(v, dict):
            yield from flatten(v, f'{path}{k}/')


class Call:
    """Pickles as a call of fn(*args): how a checkpoint runs code in a loader that lets it."""

    def __init__(self, fn, *args):
        self.call = (fn, args)

    def __reduce__(self):
        return self.call


def torch_zip(payload):
    """A .pth in the zip format whose data.pkl is payload."""
    b = io.BytesIO()
    with zipfile.ZipFile(b, 'w', zipfile.ZIP_STORED) as z:
        z.writestr('archive/data.pkl', payload)
        z.writestr('archive/version', '3\n')
    return b.getvalue()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', nargs='?', type=pathlib.Path, default=ROOT / 'weights/testdata/torch')
    out = p.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    expected = {}

    def pth(name, obj, same=(), **kw):
        torch.save(obj, out / name, **kw)
        expected[name] = dict(tensors={k: describe(v) for k, v in flatten(obj)}, same=[list(s) for s in same])

    t = tensors()
    legacy = dict(_use_new_zipfile_serialization=False)
    pth('zip.pth', t)
    pth('legacy.pth', t, **legacy)
    shared = [('base', 'transposed', 'column', 'rows', 'every_other')]
    pth('views.pth', views(), same=shared)
    pth('views_legacy.pth', views(), same=shared, **legacy)
    pth('plain_dict.pth', dict(t))
    pth('data_parallel.pth', collections.OrderedDict(('module.' + k, v) for k, v in t.items()))
    pth('checkpoint.pth', dict(epoch=12, arch='mixnet_s', best=0.75, ok=True, none=None, sizes=(1, [2, 3]), tags={'a'}, text='\u00e9\u4e2d',
                               big=2 ** 70, raw=b'\x00\x01', state_dict=collections.OrderedDict(t),
                               ema=dict(state_dict={'conv.bias': t['conv.bias'] * 2}),
                               optimizer=dict(state={0: dict(step=3)}, param_groups=[dict(lr=0.1, params=[0])])))
    pth('parameter.pth', dict(weight=torch.nn.Parameter(torch.tensor([[1.5, 2.5]])), frozen=torch.nn.Parameter(torch.ones(2), requires_grad=False)))
    linear = torch.nn.Linear(2, 3)
    with torch.no_grad():
        linear.weight.copy_(torch.arange(6.).reshape(3, 2))
        linear.bias.zero_()
    pth('module_state.pth', linear.state_dict())  # carries _metadata as an attribute of the OrderedDict
    pth('protocol4.pth', t, pickle_protocol=4)

    save_file({k: v.clone() for k, v in t.items()}, out / 'all.safetensors', metadata={'format': 'pt'})
    expected['all.safetensors'] = dict(tensors={k: describe(v) for k, v in t.items()}, same=[])
    save_file({k: v.contiguous().clone() for k, v in views().items()}, out / 'views.safetensors')
    expected['views.safetensors'] = dict(tensors={k: describe(v) for k, v in views().items()}, same=[])
    (out / 'expected.json').write_text(json.dumps(expected, indent=None, separators=(',', ':')).replace('"same"', '\n"same"') + '\n')

    import os
    hostile = {
        'hostile_system.pth': (torch_zip(pickle.dumps({'conv.weight': Call(os.system, 'echo owned > owned.txt')}, 2)), 'run a shell command'),
        'hostile_eval.pth': (torch_zip(pickle.dumps({'x': Call(eval, '1+1')}, 2)), 'evaluate an expression'),
        'hostile_getattr.pth': (torch_zip(pickle.dumps({'x': Call(getattr, Call(__import__, 'os'), 'system')}, 2)), 'reach os.system through getattr'),
        'hostile_system_legacy.pth': (pickle.dumps(Call(os.system, 'echo owned > owned.txt'), 2), 'run a shell command, not zipped'),
        'hostile_alias.pth': (torch_zip(b'\x80\x02cbuiltins\nexec\n(X\x08\x00\x00\x00print(1)tR.'), 'exec through a GLOBAL opcode'),
    }
    for name, (data, _) in hostile.items():
        (out / name).write_bytes(data)
    (out / 'hostile.json').write_text(json.dumps({k: why for k, (_, why) in hostile.items()}, indent=1) + '\n')


if __name__ == '__main__':
    main()
