"""Makes train/optim/testdata/optimizers.json: parameters after steps of PyTorch's and timm's optimizers.

    python bench/golden/optimizers.py

Two parameters, 'a.weight' (3×4) and 'a.bias' (5), start at (2u-1) with u the value rule's uniform numbers of their names; the
gradient of step s is (2u-1)·scale with u those of 'grad/NAME/s'. Each case holds the parameters after every step, in float64.
With clip, torch.nn.utils.clip_grad_norm_ runs before the step. muon has four parameters more, and leaves a bias and the weights of
a depthwise convolution and of a linear layer to AdamW.
"""
import json
import pathlib
from unittest import mock

import torch
from timm.optim import RMSpropTF

import rule

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = {'a.weight': (3, 4), 'a.bias': (5,)}
MUON_SHAPES = SHAPES | {'tall.weight': (7, 3, 1, 1), 'wide.weight': (4, 9, 1, 1), 'conv.weight': (5, 2, 3, 3), 'depthwise.weight': (6, 1, 3, 3)}
CASES = [
    dict(kind='rmsprop', momentum=0.9, decay=0.9, eps=1e-3, weight_decay=1e-2, clip=0, lr=0.05, scale=1.0),
    dict(kind='rmsprop', momentum=0.5, decay=0.99, eps=1e-5, weight_decay=0, clip=0.5, lr=0.01, scale=3.0),
    dict(kind='sgd', momentum=0.9, decay=0, eps=0, weight_decay=1e-2, clip=0, lr=0.05, scale=1.0),
    dict(kind='sgd', momentum=0.9, decay=0, eps=0, weight_decay=0, clip=1.0, lr=0.1, scale=2.0),
    dict(kind='adamw', momentum=0.9, decay=0.999, eps=1e-8, weight_decay=1e-2, clip=0, lr=0.01, scale=1.0),
    dict(kind='adamw', momentum=0.8, decay=0.95, eps=1e-6, weight_decay=0.1, clip=0, lr=0.05, scale=0.1),
    dict(kind='muon', momentum=0.95, decay=0.999, eps=1e-8, weight_decay=1e-2, clip=0, lr=0.01, scale=1.0),
    dict(kind='muon', momentum=0.8, decay=0.95, eps=1e-6, weight_decay=0.1, clip=1.0, lr=0.05, scale=2.0),
]
STEPS = 6


class Muon:
    """PyTorch's Muon for dense convolutions, flattened to matrices, in double precision instead of bfloat16, and AdamW for the rest."""

    def __init__(self, params, c):
        self.views, matrices, rest = [], [], []
        for p in params:
            if p.dim() == 4 and p.shape[1] > 1:
                m = torch.nn.Parameter(p.data.flatten(1))
                self.views.append((p, m))
                matrices.append(m)
            else:
                rest.append(p)
        common = dict(lr=c['lr'], weight_decay=c['weight_decay'], eps=c['eps'])
        self.muon = torch.optim.Muon(matrices, momentum=c['momentum'], nesterov=True, adjust_lr_fn='match_rms_adamw', **common)
        self.adamw = torch.optim.AdamW(rest, betas=(0.9, c['decay']), **common)

    def step(self):
        for p, m in self.views:
            m.grad = p.grad.flatten(1)
        with mock.patch.object(torch, 'bfloat16', torch.float64):
            self.muon.step()
        self.adamw.step()


def values(name, shape):
    return torch.from_numpy(2 * rule.uniform(name, int(torch.tensor(shape).prod())) - 1).reshape(shape)


def run(c):
    shapes = MUON_SHAPES if c['kind'] == 'muon' else SHAPES
    params = {n: torch.nn.Parameter(values(n, s).clone()) for n, s in shapes.items()}
    common = dict(lr=c['lr'], weight_decay=c['weight_decay'])
    if c['kind'] == 'rmsprop':
        opt = RMSpropTF(params.values(), alpha=c['decay'], momentum=c['momentum'], eps=c['eps'], **common)
    elif c['kind'] == 'sgd':
        opt = torch.optim.SGD(params.values(), momentum=c['momentum'], nesterov=True, **common)
    elif c['kind'] == 'muon':
        opt = Muon(params.values(), c)
    else:
        opt = torch.optim.AdamW(params.values(), betas=(c['momentum'], c['decay']), eps=c['eps'], **common)
    after = []
    for step in range(STEPS):
        for n, p in params.items():
            p.grad = values(f'grad/{n}/{step}', p.shape) * c['scale']
        if c['clip']:
            torch.nn.utils.clip_grad_norm_(params.values(), c['clip'])
        opt.step()
        after.append({n: p.detach().flatten().tolist() for n, p in params.items()})
    return dict(c, after=after)


def main():
    torch.set_num_threads(1)
    out = ROOT / 'train/optim/testdata/optimizers.json'
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([run(c) for c in CASES], separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
