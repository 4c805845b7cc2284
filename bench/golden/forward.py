"""Makes zoo/testdata/golden/forward_NAME.json: what networks compute in evaluation mode.

    python bench/golden/forward.py [--out DIR] [NAME ...]      all networks of networks.py by default

Parameters and inputs follow rule.py. Each file holds the counted sizes, the shape of every tensor by its name, and for two
input sizes the output of every block (moments and samples) and the logits. Computed in float64 from float32 values, so the
numbers carry no rounding of their own beyond the nine digits written.
"""
import argparse
import json
import pathlib
import re

import torch

import rule
from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = ((224, 224), (97, 130))
BLOCK = re.compile(r'blocks\.\d+\.\d+|layer\d\.\d+|stage\d\.\d+|cells\.\d+|features\.\d+|layers\.\d+\.\d+')


def padding(name):
    if name.startswith('tf_'):
        return 'SAME (asymmetric, TensorFlow)'
    return 'SAME (asymmetric, TensorFlow); conv0 VALID' if name.startswith('nasnet') else 'symmetric (k-1)//2*d'


def forward(name, sizes=SIZES):
    model = rule.fill(NETWORKS[name]()).eval()
    params, macs = rule.count(model)
    out = dict(model=name, params=params, macs=macs, bn_eps=next(m.eps for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)),
               padding=padding(name), params_shapes={k: list(v.shape) for k, v in model.state_dict().items() if not k.endswith('num_batches_tracked')}, runs=[])
    model.double()
    for h, w in sizes:
        blocks = {}
        hooks = [m.register_forward_hook(lambda _m, _i, o, n=n: blocks.__setitem__(n, rule.stat(o)))
                 for n, m in model.named_modules() if BLOCK.fullmatch(n)]
        with torch.inference_mode():
            logits = model(rule.image(1, h, w).double())[0]
        for hook in hooks:
            hook.remove()
        out['runs'].append(dict(input=[1, 3, h, w], blocks=blocks, logits=[rule.short(v) for v in logits]))
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('names', nargs='*', default=list(NETWORKS))
    p.add_argument('--out', type=pathlib.Path, default=ROOT / 'zoo/testdata/golden')
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in a.names:
        d = forward(name)
        text = json.dumps(d, separators=(',', ':')).replace('{"input"', '\n{"input"').replace('"runs"', '\n"runs"')
        (a.out / f'forward_{name.replace("/", "_")}.json').write_text(text + '\n')
        print(f'{name:28}{d["params"]:>12,}{d["macs"]:>16,}  {len(text):>7}', flush=True)


if __name__ == '__main__':
    main()
