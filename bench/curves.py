"""Learning curves beside PyTorch's: the same network, initial weights, recipe and images; python bench/curves.py --help

Ours is the mixnet command. PyTorch's side is the loop below, with timm's blocks for the network. Both start from the weights
that ours draws from the seed; order and augmentation have random numbers of their own. PyTorch has the images decoded in
memory and augments whole batches, which costs it next to nothing; ours reads and decodes files as it always does."""
import argparse
import gzip
import io
import itertools
import json
import math
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

import numpy as np

import chart

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / 'golden'))
SETS = dict(fashion=('mixnet_tiny', 2), cifar=('mixnet_tiny@size=32,channels=3', 4))  # network, margin of the random crop


def recipe(a, name, seed):
    return f'''name = "curve"
epochs = {a.epochs}
batch = {a.batch}
seed = {seed}
smoothing = 0.1
ema = {a.ema}
[optimizer]
kind = "adamw"
weight_decay = 0.05
[schedule]
kind = "cosine"
lr = {a.lr}
warmup = 1.0
[augment]
crop = "pad"
pad = {SETS[name][1]}
flip = 0.5
'''


def fashion(folder):
    def read(name, skip):
        return np.frombuffer(gzip.open(pathlib.Path(folder) / f'{name}.gz').read(), np.uint8, offset=skip)
    return [(read(f'{p}-images-idx3-ubyte', 16).reshape(-1, 28, 28, 1), read(f'{p}-labels-idx1-ubyte', 8).astype(np.int64)) for p in ('train', 't10k')]


def cifar(path):
    """Decodes a tar file of train/CLASS/*.jpg and test/CLASS/*.jpg."""
    from PIL import Image
    parts = dict(train=[], test=[])
    with tarfile.open(path) as tar:
        for m in tar:
            if m.isfile() and m.name.endswith('.jpg'):
                part, label, _ = m.name.split('/')[-3:]
                parts[part].append((label, np.asarray(Image.open(io.BytesIO(tar.extractfile(m).read())))))
    classes = sorted({label for label, _ in parts['train']})
    return [(np.stack([x for _, x in parts[p]]), np.array([classes.index(label) for label, _ in parts[p]])) for p in ('train', 'test')]


def subset(name, source, per_class, folder):
    """Writes the first so many training and test images of every class, in the form they come in; returns where."""
    if not per_class:
        return source
    taken, out = {}, pathlib.Path(folder) / ('data.tar' if name == 'cifar' else 'data')
    if name == 'cifar':
        with tarfile.open(source) as tar, tarfile.open(out, 'w') as to:
            for m in sorted((m for m in tar if m.isfile() and m.name.endswith('.jpg')), key=lambda m: m.name):
                part, label, _ = m.name.split('/')[-3:]
                taken[part, label] = taken.get((part, label), 0) + 1
                if taken[part, label] <= per_class[part != 'train']:
                    to.addfile(m, tar.extractfile(m))
        return out
    out.mkdir()
    for part, n, (x, y) in zip(('train', 't10k'), per_class, fashion(source)):
        keep = np.sort(np.concatenate([np.flatnonzero(y == c)[:n] for c in range(10)]))
        x, y = x[keep], y[keep]
        for what, head, body in (('images-idx3', [0x803, len(x), 28, 28], x), ('labels-idx1', [0x801, len(y)], y.astype(np.uint8))):
            with gzip.open(out / f'{part}-{what}-ubyte.gz', 'wb', 1) as f:
                f.write(np.array(head, '>u4').tobytes() + body.tobytes())
    return out


def ours(a, name, data, seed, folder):
    """Yields the file of the initial weights, then the curve of a training by the command."""
    run = pathlib.Path(folder) / f'{name}-{seed}'
    config = run.with_suffix('.toml')
    config.write_text(recipe(a, name, seed))
    command = [a.mixnet, 'train', '--threads', a.threads, '--data', data, '--model', SETS[name][0], '--recipe', config, '--json']
    start = run.with_name(run.name + '-start')  # one step at a rate of zero: the initial weights
    subprocess.run([*map(str, command), '--output', str(start), '--max-steps', '1'], check=True, stdout=subprocess.DEVNULL)
    yield start / 'last.safetensors'
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*map(str, command), '--output', str(run)], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    epochs = [json.loads(line) for line in (run / 'metrics.jsonl').read_text().splitlines()]
    yield dict(engine='mixnet', seed=seed, wall_s=time.perf_counter() - began,
               cpu_s=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
               loss=[e['train_loss'] for e in epochs], top1=[100 * e['top1'] for e in epochs])


class Torch:
    """PyTorch's side: one compiled network for all seeds."""

    def __init__(self, a, name, sets):
        import torch
        from networks import SMALL
        torch.set_num_threads(a.threads)
        self.torch, self.a, self.pad = torch, a, SETS[name][1]
        (x, y), (tx, ty) = sets
        make = SMALL['mixnet_tiny']
        self.net = make.func(*make.args[:-1], x.shape[-1]).to(memory_format=torch.channels_last)
        # Our names number a network's parts, which begin where the width changes.
        parts = itertools.groupby((b for row in self.net.blocks for b in row), key=lambda b: b.bn3.num_features)
        self.net.blocks = torch.nn.Sequential(*(torch.nn.Sequential(*blocks) for _, blocks in parts))
        self.call = torch.compile(self.net) if a.compile else self.net
        self.x, self.tx = (torch.from_numpy(v.transpose(0, 3, 1, 2).copy()) for v in (x, tx))
        self.y, self.ty = torch.from_numpy(y), torch.from_numpy(ty)

    def augment(self, x):
        """Shifts by up to pad pixels with black behind, and mirrors half of the images."""
        torch, (n, _, h, w), p = self.torch, x.shape, self.pad
        dy, dx, flip = torch.randint(0, 2 * p + 1, (n, 1)), torch.randint(0, 2 * p + 1, (n, 1)), torch.rand(n, 1) < 0.5
        cols = torch.arange(w).expand(n, w)
        cols = torch.where(flip, w - 1 - cols, cols) + dx
        rows = torch.arange(h).expand(n, h) + dy
        padded = torch.nn.functional.pad(x, (p, p, p, p))
        return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], cols[:, None, :]].permute(0, 3, 1, 2)

    def normal(self, x):
        return ((x.float() / 255 - self.mean) / self.std).contiguous(memory_format=self.torch.channels_last)

    def train(self, seed, weights):
        from safetensors import safe_open
        torch, a = self.torch, self.a
        with safe_open(weights, 'pt') as f:
            pre = json.loads(f.metadata()['mixnet.preprocess'])
            start = {k: f.get_tensor('train/values/' + k) for k in self.net.state_dict() if 'num_batches' not in k}
        self.mean, self.std = (torch.tensor(pre[k]).view(1, -1, 1, 1) for k in ('mean', 'std'))
        start |= {k: torch.zeros_like(v) for k, v in start.items() if k.endswith('running_mean')}
        start |= {k: torch.ones_like(v) for k, v in start.items() if k.endswith('running_var')}
        torch.manual_seed(seed)
        loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
        if a.compile:  # compiling is not counted
            loss_of(self.call.train()(self.normal(self.x[:a.batch])), self.y[:a.batch]).backward()
            with torch.no_grad():
                self.call.eval()(self.normal(self.tx[:500]))
        self.net.load_state_dict(start, strict=False)
        norms = {id(p) for m in self.net.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters()}
        params = list(self.net.parameters())
        optimizer = torch.optim.AdamW([dict(params=[p for p in params if id(p) not in norms], weight_decay=0.05),
                                       dict(params=[p for p in params if id(p) in norms], weight_decay=0)], lr=0.0, fused=True)
        live = [v for v in self.net.state_dict().values() if v.is_floating_point()]
        average = [v.clone() for v in live]
        per_epoch, step = len(self.x) // a.batch, 0
        out = dict(engine='pytorch', seed=seed, loss=[], top1=[])
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(a.epochs):
            self.net.train()
            total = 0.0
            for ids in torch.randperm(len(self.x))[:per_epoch * a.batch].view(per_epoch, a.batch):
                t = step / per_epoch
                rate = a.lr * (t if t < 1 else (1 + math.cos(math.pi * (t - 1) / (a.epochs - 1))) / 2)
                for g in optimizer.param_groups:
                    g['lr'] = rate
                optimizer.zero_grad()
                loss = loss_of(self.call(self.normal(self.augment(self.x[ids]))), self.y[ids])
                loss.backward()
                optimizer.step()
                step += 1
                with torch.no_grad():
                    torch._foreach_lerp_(average, live, 1 - min(a.ema, (1 + step) / (10 + step)))
                total += loss.item()
            out['loss'].append(total / per_epoch)
            out['top1'].append(self.evaluate(live, average))
        return out | dict(wall_s=time.perf_counter() - began, cpu_s=time.process_time() - cpu)

    def evaluate(self, live, average):
        """Measures the averages, and puts the live values back."""
        torch, kept = self.torch, [v.clone() for v in live]
        with torch.no_grad():
            torch._foreach_copy_(live, average)
            self.net.eval()
            right = sum((self.call(self.normal(self.tx[i:i + 500])).argmax(1) == self.ty[i:i + 500]).sum().item() for i in range(0, len(self.tx), 500))
            torch._foreach_copy_(live, kept)
        return 100 * right / len(self.tx)


def run(a):
    results = json.loads(a.out.read_text()) if a.out.exists() else dict(settings=vars(a) | dict(out=None, data=None, mixnet=None), runs=[])
    with tempfile.TemporaryDirectory() as folder:
        sets = {}
        for entry in a.data:
            name, source = entry.split('=', 1)
            data = subset(name, source, a.per_class, folder)
            sets[name] = data, Torch(a, name, dict(fashion=fashion, cifar=cifar)[name](data))
        for seed, (name, (data, peer)) in itertools.product(a.seeds, sets.items()):
            for r in both(a, name, data, seed, folder, peer):
                results['runs'].append(dict(set=name, **r))
                a.out.write_text(json.dumps(results, indent=1))
                print(name, r['engine'], seed, ' '.join(f'{t:.2f}' for t in r['top1']), f'{r["wall_s"]:.0f} s, processor {r["cpu_s"]:.0f} s', flush=True)


def both(a, name, data, seed, folder, peer):
    run = ours(a, name, data, seed, folder)
    start = next(run)
    if 'mixnet' in a.engines:
        yield next(run)
    if 'pytorch' in a.engines:
        yield peer.train(seed, start)


def table(runs):
    """One row an epoch: mean over the seeds, lowest and highest."""
    def cell(v):
        return f'{statistics.mean(v):.2f} ({min(v):.2f}–{max(v):.2f})'
    lines = []
    for name in dict.fromkeys(r['set'] for r in runs):
        by = {e: [r for r in runs if r['set'] == name and r['engine'] == e] for e in ('mixnet', 'pytorch')}
        lines += [f'\n### {name}: {SETS[name][0]}, {len(by["mixnet"])} seeds\n', '| epoch | top-1 mixnet | top-1 PyTorch | training loss mixnet | PyTorch |', '|---|--:|--:|--:|--:|']
        for i in range(len(by['mixnet'][0]['top1'])):
            lines.append(f'| {i + 1} | ' + ' | '.join(cell([r[k][i] for r in by[e]]) for k in ('top1', 'loss') for e in by) + ' |')
        cpu, wall = ({e: statistics.mean(r[k] for r in by[e]) for e in by} for k in ('cpu_s', 'wall_s'))
        lines.append(f'\nProcessor time of a run: {cpu["mixnet"]:.0f} s, PyTorch {cpu["pytorch"]:.0f} s ({cpu["pytorch"] / cpu["mixnet"]:.2f} times); '
                     f'wall time {wall["mixnet"]:.0f} s, PyTorch {wall["pytorch"]:.0f} s.')
    return '\n'.join(lines) + '\n'


def draw(path, runs):
    """Top-1 by epoch, one panel a set: the mean as a line, the range of the seeds as a band."""
    sets, width, height, left, top = list(dict.fromkeys(r['set'] for r in runs)), 380, 240, 50, 40
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{len(sets) * (width + 70)}" height="{height + 90}" font-family="\'Liberation Sans\',Arial,sans-serif" font-size="12">',
           chart.style(('mixnet', 'pytorch')), '<rect class="paper" width="100%" height="100%"/>']
    for s, name in enumerate(sets):
        mine, x0 = [r for r in runs if r['set'] == name], left + s * (width + 70)
        epochs = len(mine[0]['top1'])
        low, high = math.floor(min(min(r['top1']) for r in mine)), math.ceil(max(max(r['top1']) for r in mine))

        def at(i, v):
            return f'{x0 + width * i / max(epochs - 1, 1):.1f},{top + height * (high - v) / (high - low):.1f}'
        out.append(f'<text class="ink" x="{x0}" y="20" font-size="14">{name}: test top-1 % by epoch, mean and range</text>')
        for k in range(5):
            v = low + (high - low) * k / 4
            y = float(at(0, v).split(',')[1])
            out.append(f'<line x1="{x0}" x2="{x0 + width}" y1="{y}" y2="{y}" class="grid"/><text class="dim" x="{x0 - 6}" y="{y + 4}" text-anchor="end">{v:.1f}</text>')
        out += [f'<text class="dim" x="{at(i, low).split(",")[0]}" y="{top + height + 18}" text-anchor="middle">{i + 1}</text>' for i in range(epochs)]
        for engine, dash in (('pytorch', '6 3'), ('mixnet', 'none')):
            v = [[r['top1'][i] for r in mine if r['engine'] == engine] for i in range(epochs)]
            band = ' '.join([at(i, max(x)) for i, x in enumerate(v)] + [at(i, min(x)) for i, x in reversed(list(enumerate(v)))])
            line = ' '.join(at(i, statistics.mean(x)) for i, x in enumerate(v))
            out.append(f'<polygon class="t-{engine}" points="{band}" opacity="0.15"/><polyline class="l-{engine}" points="{line}" stroke-width="2" stroke-dasharray="{dash}"/>')
        for k, label in enumerate(('mixnet', 'PyTorch')):
            out.append(f'<text class="t-{label.lower()}" x="{x0 + 60 * k}" y="{top + height + 38}" font-weight="bold">{label}</text>')
    path.write_text('\n'.join(out) + '\n</svg>\n')


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('data', nargs='*', help='fashion=FOLDER of the IDX files, cifar=TAR of class folders; none: only draw. Results are added to those in --out')
    p.add_argument('--mixnet', default='./mixnet', help='our command')
    p.add_argument('--out', type=pathlib.Path, default=HERE / 'results' / 'curves.json')
    p.add_argument('--per-class', type=int, nargs=2, metavar=('TRAIN', 'TEST'), help='images of each class; all by default')
    p.add_argument('--seeds', type=int, nargs='*', default=[0, 1, 2])
    p.add_argument('--engines', nargs='*', default=['mixnet', 'pytorch'])
    p.add_argument('--epochs', type=int, default=5)
    p.add_argument('--batch', type=int, default=64)
    p.add_argument('--lr', type=float, default=0.003)
    p.add_argument('--ema', type=float, default=0.98)
    p.add_argument('--threads', type=int, default=min(2, os.cpu_count()))
    p.add_argument('--compile', action=argparse.BooleanOptionalAction, default=True)
    a = p.parse_args()
    run(a)
    runs = json.loads(a.out.read_text())['runs']
    a.out.with_suffix('.md').write_text(table(runs))
    draw(a.out.with_suffix('.svg'), runs)


if __name__ == '__main__':
    main()
