"""The rule by which golden files need no weights: parameters and inputs are pure functions of their names.

value rule (64-bit unsigned, wrapping)
  h(name) = FNV-1a 64 of the UTF-8 name
  z       = h(name) + (i+1) * 0x9E3779B97F4A7C15        i: flat row-major index, PyTorch layout
  z       = (z ^ z>>30) * 0xBF58476D1CE4E5B9;  z = (z ^ z>>27) * 0x94D049BB133111EB;  z ^= z>>31
  u       = (z >> 40) / 2^24                            in [0, 1)
parameters, by their name in state_dict
  one-dimensional '*.weight' and '*.running_var'   0.5 + u
  '*.running_mean' and every '*.bias'              (u - 0.5) * 0.2
  weights of two or four dimensions                (2u - 1) * sqrt(3 / fan_in), fan_in = product of shape[1:]
input, named 'input/BATCHx3xHxW'                   (2u - 1) * 2
All are rounded to float32 once.
"""
import math

import numpy as np
import torch

MASK = (1 << 64) - 1


def fnv1a(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & MASK
    return h


def uniform(name, n):
    with np.errstate(over='ignore'):
        z = np.uint64(fnv1a(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2 ** 24


def tensor(values, shape):
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


@torch.no_grad()
def fill(model):
    for name, t in model.state_dict().items():
        if name.endswith('num_batches_tracked'):
            continue
        u = uniform(name, t.numel())
        if t.ndim > 1:
            u = (2 * u - 1) * math.sqrt(3 / math.prod(t.shape[1:]))
        elif name.endswith(('.weight', '.running_var')):
            u = 0.5 + u
        else:
            u = (u - 0.5) * 0.2
        t.copy_(tensor(u, tuple(t.shape)))
    return model


def image(batch, height, width):
    shape = (batch, 3, height, width)
    return tensor((2 * uniform('input/' + 'x'.join(map(str, shape)), math.prod(shape)) - 1) * 2, shape)


def stat(t):
    """Moments of a tensor, and eight samples spread over it."""
    t = t.detach().double().flatten()
    n = t.numel()
    at = [i * (n - 1) // 7 for i in range(8)] if n > 1 else [0]
    return dict(n=n, mean=short(t.mean()), rms=short((t * t).mean().sqrt()), at=at, val=[short(t[i]) for i in at])


def short(v):
    """Nine significant digits: a float32 is told apart from its neighbours."""
    return float(f'{float(v):.9g}')


def count(model, height=224, width=224):
    """Parameters, and multiply-adds of the convolutions and fully connected layers for one image."""
    macs = 0

    def conv(m, _, out):
        nonlocal macs
        macs += out.shape[2] * out.shape[3] * m.weight.numel()

    def linear(m, _, out):
        nonlocal macs
        macs += m.weight.numel()

    hooks = [m.register_forward_hook(conv if isinstance(m, torch.nn.Conv2d) else linear)
             for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    try:
        with torch.no_grad():
            dtype = next(model.parameters()).dtype
            model.eval()(torch.zeros(1, 3, height, width, dtype=dtype))
    finally:
        for h in hooks:
            h.remove()
    return sum(p.numel() for p in model.parameters()), macs
