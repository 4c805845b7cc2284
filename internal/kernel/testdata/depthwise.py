"""Makes depthwise.json: PyTorch's depthwise convolutions and their gradients,
for geometries that networks rarely have. Values are functions of names and
indices, as in package testkit; the loss is Σ out·dy.

    pip install torch numpy; python depthwise.py > depthwise.json
"""

import json

import numpy as np
import torch

CASES = [  # channels, kernel, stride, dilation, padding, height, width
    (5, 3, 1, 2, (2, 2), 9, 8),
    (19, 5, 2, 2, (4, 4), 13, 11),
    (17, 3, 2, 3, (3, 3), 12, 15),
    (8, 3, 3, 1, (1, 0), 11, 10),
    (9, 4, 1, 1, (2, 1), 7, 9),
    (16, 6, 2, 1, (3, 2), 10, 12),
    (33, 13, 1, 1, (12, 12), 6, 5),
    (7, 7, 1, 1, (0, 0), 12, 20),
    (12, 9, 2, 1, (4, 4), 17, 16),
    (20, 11, 1, 2, (10, 10), 8, 23),
    (3, 15, 1, 1, (7, 7), 9, 9),
    (24, 5, 4, 2, (4, 4), 16, 16),
]


def uniform(name, shape):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & (1 << 64) - 1
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(1, np.prod(shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = (z >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((2 * u - 1).reshape(shape))


def stat(t):
    t = t.detach().flatten()
    n = t.numel()
    at = [i * (n - 1) // 7 for i in range(8)] if n > 1 else [0]
    return dict(n=n, mean=float(t.mean()), rms=float((t * t).mean().sqrt()), at=at, val=[float(t[i]) for i in at])


out = []
for c, k, s, d, pad, h, w in CASES:
    x = uniform("x", (1, c, h, w)).requires_grad_()
    f = uniform("weight", (c, 1, k, k)).requires_grad_()
    y = torch.nn.functional.conv2d(x, f, None, s, pad, d, c)
    (y * uniform("dy", y.shape)).sum().backward()
    out.append(dict(c=c, kernel=k, stride=s, dilation=d, padding=pad, hw=(h, w), out_hw=tuple(y.shape[2:]), out=stat(y), dx=stat(x.grad), dw=stat(f.grad)))
print("[" + ",\n".join(json.dumps(o) for o in out) + "]")
