"""Makes zoo/testdata/golden/train_NAME.json: a few training steps of networks.

    python bench/golden/train.py [--out DIR] [NAME ...]

Train mode (batch statistics), no dropout, cross entropy with label smoothing 0.1, labels (7i+3) mod 1000. A network with an
auxiliary head adds 0.4 times its cross entropy. Then timm's RMSpropTF steps. The file holds the losses before each step, the
gradients of the first (moments and samples), and the running statistics after the last. Everything in float64 from float32
starting values: a float32 run drifts from it by its own rounding only.
"""
import argparse
import json
import pathlib

import torch
from timm.optim import RMSpropTF

import rule
import twins
from networks import NETWORKS

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNS = {  # name: (factory, batch, image side, steps)
    'mixnet_s': (NETWORKS['mixnet_s'], 4, 64, 5),
    # The same with swish for ReLU: without kinks, single precision has no sudden errors.
    'mixnet_s_swish': (lambda: NETWORKS['mixnet_s'](act_layer=torch.nn.SiLU), 4, 64, 5),
    'mobilenetv2_100': (NETWORKS['mobilenetv2_100'], 4, 64, 5),
    'resnet18': (NETWORKS['resnet18'], 4, 64, 5),
    'shufflenet_v2_x1_0': (NETWORKS['shufflenet_v2_x1_0'], 4, 64, 5),
    'mobilenetv3_small_100': (NETWORKS['mobilenetv3_small_100'], 4, 64, 5),
    'mnasnet_a1': (NETWORKS['semnasnet_100'], 4, 64, 5),
    'shufflenet_v1_g3_x1_0': (NETWORKS['shufflenet_v1_g3_x1_0'], 4, 64, 5),
    'fbnet_a': (NETWORKS['fbnet_a'], 4, 64, 5),
    'proxylessnas_mobile': (NETWORKS['proxylessnas_mobile'], 4, 64, 5),
    'darts_v2': (lambda: twins.darts_v2(aux=True), 2, 224, 3),  # the auxiliary heads are made for 224 pixels
    'nasnet_a_mobile': (lambda: twins.NasNet(aux=True), 2, 224, 3),
}
OPTIMIZER = dict(lr=0.001, alpha=0.9, momentum=0.9, eps=1e-3, weight_decay=1e-5)


def train(name):
    make, batch, side, steps = RUNS[name]
    model = rule.fill(make()).double().train()
    x, y = rule.image(batch, side, side).double(), torch.tensor([(7 * i + 3) % 1000 for i in range(batch)])
    opt = RMSpropTF(model.parameters(), **OPTIMIZER)
    loss = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    losses, grads = [], {}
    for step in range(steps):
        opt.zero_grad()
        out = model(x)
        total = loss(out[0], y) + 0.4 * loss(out[1], y) if isinstance(out, tuple) else loss(out, y)
        total.backward()
        losses.append(rule.short(total.detach()))
        if step == 0:
            grads = {n: rule.stat(p.grad) for n, p in model.named_parameters()}
        opt.step()
    norm = next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    return dict(model=name, input=[batch, 3, side, side],
                optimizer='RMSpropTF lr 0.001 alpha 0.9 momentum 0.9 eps 1e-3 (inside sqrt, square_avg starts at 1, lr in momentum) weight_decay 1e-5 added to the gradient',
                bn_momentum=norm.momentum, bn_eps=norm.eps, auxiliary=0.4 if hasattr(model, 'aux') else 0, losses=losses,
                first_step_gradients=grads, running_after={n: rule.stat(v) for n, v in model.state_dict().items() if 'running_' in n})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('names', nargs='*', default=list(RUNS))
    p.add_argument('--out', type=pathlib.Path, default=ROOT / 'zoo/testdata/golden')
    a = p.parse_args()
    torch.set_num_threads(1)
    for name in a.names:
        d = train(name)
        text = json.dumps(d, separators=(',', ':'))
        (a.out / f'train_{name}.json').write_text(text + '\n')
        print(f'{name:24}', d['losses'], len(text), flush=True)


if __name__ == '__main__':
    main()
