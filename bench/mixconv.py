"""MixConv alone: depthwise convolutions of several kernel sizes on contiguous channel groups, beside other engines.

Others run it as split, convolutions, concat; that is what their exporters make of it. One thread, batch 1.
"""
import subprocess
import sys

import export
import schedule
import worker

SIZES, GROUPS = (7, 14, 28, 56, 112), (1, 2, 3, 4, 5, 6)
WIDTHS = {7: (240, 960), 14: (120, 480), 28: (48, 240), 56: (24, 144), 112: (16, 96)}  # as networks have them at that size
ENGINES = ('onnxruntime', 'openvino', 'torch_channels_last', 'torch_eager')


def cases(groups=GROUPS, sizes=SIZES, strides=(1, 2)):
    for size in sizes:
        for channels in WIDTHS[size]:
            for stride in strides:
                for g in groups:
                    kernels = [2 * i + 3 for i in range(g)] if g > 1 else [3]
                    yield dict(channels=channels, size=size, stride=stride, kernels=kernels)
    for k in (5, 7, 9, 11, 13):  # one kernel size alone, as it grows
        yield dict(channels=240, size=28, stride=1, kernels=[k])


def split(channels, g):
    return [channels // g + (channels % g if i == 0 else 0) for i in range(g)]


def macs(c):
    out = -(-c['size'] // c['stride'])
    return sum(n * k * k for n, k in zip(split(c['channels'], len(c['kernels'])), c['kernels'])) * out * out


def module(c):
    import torch
    from torch import nn

    class MixConv(nn.Module):
        def __init__(self):
            super().__init__()
            self.widths = split(c['channels'], len(c['kernels']))
            self.convs = nn.ModuleList(nn.Conv2d(n, n, k, c['stride'], k // 2, groups=n, bias=False) for n, k in zip(self.widths, c['kernels']))

        def forward(self, x):
            if len(self.convs) == 1:
                return self.convs[0](x)
            return torch.cat([m(v) for m, v in zip(self.convs, x.split(self.widths, 1))], 1)
    torch.manual_seed(0)
    return MixConv().eval(), torch.randn(1, c['channels'], c['size'], c['size'])


def torch_peer(channels_last):
    def make(spec):
        import torch
        torch.set_num_threads(spec['threads'])
        net, x = module(spec)
        if channels_last:
            net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)

        def run():
            with torch.inference_mode():
                return net(x)
        return run, lambda y: y.numpy(), torch.__version__
    return make


def files(c):
    """Adds the ONNX file and the input file of a case to it."""
    import torch
    d = export.CACHE / 'mixconv'
    d.mkdir(parents=True, exist_ok=True)
    tag = f'c{c["channels"]}_s{c["size"]}_st{c["stride"]}_k{"-".join(map(str, c["kernels"]))}'
    net, x = module(c)
    onnx = export.write(d / f'{tag}.onnx', lambda p: torch.onnx.export(net, x, str(p), opset_version=17, dynamo=False))
    image = export.write(d / f'{tag}.f32', lambda p: x.numpy().tofile(p))
    weights = export.write(d / f'{tag}.weights.f32', lambda p: torch.cat([w.flatten() for w in net.parameters()]).detach().numpy().tofile(p))
    return dict(c, threads=1, batch=1, shape=list(x.shape), onnx=str(onnx), input=str(image), weights=str(weights))


def check(workers, c):
    """All must compute the same."""
    import numpy as np
    outputs = {w.name: w.logits() for w in workers}
    want = outputs[workers[-1].name]
    for name, y in outputs.items():
        error = float(np.abs(y - want).max())
        if not error <= 1e-4:
            raise SystemExit(f'{name} and {workers[-1].name} differ by {error:g} on {c}')


def measure(a, start):
    """Every engine keeps one process for all cases. Ours is bench/mixconvop: the kernels, without graph or engine."""
    specs = [files(c) for c in cases()]
    workers = [start(lambda e=e: schedule.python_worker(e, specs[0], 'mixconv.py'), e) for e in ENGINES if e in a.engines]
    if a.mixnet:
        program = export.CACHE / 'mixconvop'
        subprocess.run(['go', 'build', '-o', program, './bench/mixconvop'], cwd=export.HERE.parent, check=True)
        workers.append(start(lambda: schedule.Worker('mixnet', [program]), 'mixnet'))
    workers = [w for w in workers if w]
    results = []
    for c in specs:
        for w in workers:
            w.slices, w.cpu_ms = [], []
            w.ask(load=c)
        schedule.interleave(workers, max(3, a.rounds // 3), min(a.seconds, 0.05), 0.005)
        check(workers, c)
        rows = schedule.ratio([w.summary() for w in workers])
        results.append(dict(channels=c['channels'], size=c['size'], stride=c['stride'], kernels='.'.join(map(str, c['kernels'])), macs=macs(c), threads=1, rows=rows))
        print(f'{c["channels"]} x {c["size"]}^2 /{c["stride"]} {c["kernels"]}:', {r['engine']: round(r['median_ms'] * 1e3, 1) for r in rows}, flush=True)
    for w in workers:
        w.finish()
    return results


PEERS = dict(onnxruntime=worker.onnxruntime, openvino=worker.openvino, torch_channels_last=torch_peer(True), torch_eager=torch_peer(False))

if __name__ == '__main__':
    import json
    with open(sys.argv[2]) as spec_file:
        worker.serve(PEERS[sys.argv[1]], json.load(spec_file))
