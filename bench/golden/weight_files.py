"""Makes weights/testdata/more: what torch_files.py leaves out, by torch.save, safetensors and numpy.

    python bench/golden/weight_files.py weights/testdata/more

expected.json holds, for every file, the tensors a reader must find: shape, type and values (as float32, in row-major order;
the strings "nan", "inf" and "-inf" stand for what JSON lacks).
"""
import argparse
import collections
import json
import math
import os
import pickle
import sys

import numpy as np
import safetensors.torch
import torch

OUT = sys.argv[1]
os.makedirs(OUT, exist_ok=True)
EXPECTED = {}


def path(name):
    return os.path.join(OUT, name)


def number(v):
    return v if math.isfinite(v) else "nan" if math.isnan(v) else "inf" if v > 0 else "-inf"


def expect(file, tensors, meta=None):
    EXPECTED[file] = {"metadata": meta or {}, "tensors": {
        k: {"dtype": str(t.dtype).removeprefix("torch."), "shape": list(t.shape),
            "values": [number(v) for v in t.detach().to(torch.float32).reshape(-1).tolist()]}
        for k, t in tensors.items()}}


def dtypes():
    """One tensor of every type, with the values where conversions go wrong."""
    f = torch.tensor([0., -0., 1., -1.5, 65504., 65520., 1e-8, 6e-8, 3e38, 1e-45, math.inf, -math.inf, math.nan, 1 / 3])
    return collections.OrderedDict(
        f32=f, f16=f.half(), bf16=f.bfloat16(), f64=torch.tensor([1e300, -1e-300, 1 / 3, 16777217.]),
        i64=torch.tensor([-2**63, 2**63 - 1, 16777217, -16777219]), i32=torch.tensor([-2**31, 2**31 - 1], dtype=torch.int32),
        i16=torch.tensor([-32768, 32767], dtype=torch.int16), i8=torch.tensor([-128, 127], dtype=torch.int8),
        u64=torch.tensor([0, 2**62 + 1], dtype=torch.uint64), u32=torch.tensor([2**32 - 1], dtype=torch.uint32),
        u16=torch.tensor([65535], dtype=torch.uint16), u8=torch.tensor([[0, 255]], dtype=torch.uint8),
        bool=torch.tensor([True, False, True]), scalar=torch.tensor(42), empty=torch.zeros(0, 3))


def network(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(collections.OrderedDict(
        conv_stem=torch.nn.Conv2d(3, 4, 3, bias=False), bn1=torch.nn.BatchNorm2d(4), classifier=torch.nn.Linear(4, 5)))


def checkpoint():
    """What a training script saves: nested dicts, a wrapped model, an optimizer, arguments, a numpy scalar."""
    net = network(1)
    opt = torch.optim.RMSprop(net.parameters(), momentum=0.9)
    ema = network(2)
    return {
        "epoch": 7, "arch": "mixnet_s", "best": np.float64(0.75), "args": argparse.Namespace(lr=0.1, name="run", sizes=[1, 2]),
        "state_dict": collections.OrderedDict(("module." + k, v) for k, v in net.state_dict().items()),
        "optimizer": opt.state_dict(), "state_dict_ema": ema.state_dict(), "version": 2, "done": True, "note": None,
    }


def flat(prefix, state):
    return {prefix + k: v for k, v in state.items()}


d, c = dtypes(), checkpoint()
meta = {"format": "pt"}
safetensors.torch.save_file(d, path("dtypes.safetensors"), meta)
expect("dtypes.safetensors", d, meta)

for suffix, new in ("", True), ("_legacy", False):
    def save(obj, name):
        torch.save(obj, path(name + suffix + ".pth"), _use_new_zipfile_serialization=new)
        return name + suffix + ".pth"
    typed = {k: t for k, t in d.items() if new or k not in ("u64", "u32", "u16")}
    expect(save(typed, "dtypes"), typed)
    expect(save(c, "checkpoint"), flat("state_dict/", c["state_dict"]) | flat("state_dict_ema/", c["state_dict_ema"]),
           {"epoch": "7", "arch": "mixnet_s", "version": "2", "done": "True"})
    expect(save(torch.arange(3.), "tensor"), {"": torch.arange(3.)})

torch.save(network(3), path("module.pth"))
with open(path("plain.pkl"), "wb") as f:
    pickle.dump({"weight": [1.0, 2.0]}, f, protocol=2)

a = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
arrays = {"c_f4": a, "fortran_f8": np.asfortranarray(a.astype(np.float64)), "big_endian_f4": a.astype(">f4"),
          "big_endian_i2": a.astype(">i2"), "half": a.astype(np.float16), "bool": a > 5, "scalar": np.float32(3.5), "u1": a.astype(np.uint8)}
for k, x in arrays.items():
    np.save(path(k + ".npy"), x)
    native = np.ascontiguousarray(x).reshape(x.shape)
    expect(k + ".npy", {"": torch.from_numpy(native.astype(native.dtype.newbyteorder("=")))})
np.savez(path("arrays.npz"), **arrays)
EXPECTED["arrays.npz"] = {"metadata": {}, "tensors": {k: EXPECTED[k + ".npy"]["tensors"][""] for k in arrays}}
np.savez_compressed(path("compressed.npz"), **arrays)
np.save(path("object.npy"), np.array([{}], dtype=object), allow_pickle=True)

with open(path("expected.json"), "w") as f:
    json.dump(EXPECTED, f, separators=(",", ":"))
