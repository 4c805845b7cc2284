"""Measures mixnet beside other engines on this machine, in turns, and writes the table that the README shows.

    bench/setup.sh                       the virtual environment (once); bench/setup.sh litert adds LiteRT's converter
    go build -o mixnet ./cmd/mixnet
    python bench/peers.py infer          networks, one and two threads, batch 1 and 16
    python bench/peers.py grow           how time grows with batch, resolution and threads
    python bench/peers.py mixconv        MixConv alone, by groups, size, stride and channels
    python bench/peers.py train          training steps beside PyTorch's
    python bench/peers.py load --data D  reading a folder of JPEGs beside torchvision
    python bench/peers.py report         the tables and charts again, from the results stored

Every engine runs in a process of its own and is timed in turns of about half a second, in rotating order. The figures are
medians of all calls; 'ours / theirs' is the median over the rounds of the ratio of that round's medians, so a slow moment of
the machine hits both sides. Outputs must agree within 1e-3. Results go to bench/results/HOST/*.json; HOST names the processor.
"""
import argparse
import json
import os
import pathlib
import sys

import chart
import export
import machine
import schedule

HERE = pathlib.Path(__file__).resolve().parent
ENGINES = ('openvino', 'onnxruntime', 'ncnn', 'mnn', 'litert', 'torch_compile', 'torch_channels_last', 'torch_eager')
INFER = [(n, 1, t) for t in (1, 2) for n in ('mixnet_s', 'mixnet_m', 'mixnet_l')] + [('mixnet_s', 16, 2)] + [
    (n, 1, 1) for n in ('mobilenetv1_100', 'mobilenetv2_100', 'mobilenetv3_large_100')]
# One network of every family, for `zoo`.
ZOO = ('mobilenetv1_050', 'mobilenetv2_140', 'mobilenetv3_small_100', 'mobilenetv3_large_125', 'mnasnet_100', 'semnasnet_100', 'fbnet_a', 'fbnet_c',
       'proxylessnas_mobile', 'proxylessnas_cpu', 'shufflenet_v1_g3_x2_0', 'shufflenet_v1_g8_x1_0', 'shufflenet_v2_proj_x1_5', 'nasnet_a_mobile', 'darts_v2',
       'resnet18', 'resnet50', 'efficientnet_lite0', 'mixnet_xl')
TOLERANCE = 1e-3


def our_worker(a, network, batch, size, threads, files=None, extra=()):
    argv = [a.mixnet, 'bench', network, '--batch', batch, '--threads', threads, '--worker', *extra]
    argv += ['--size', size] if size else []
    argv += ['--weights', files['safetensors'], '--input', files['input']] if files else []
    return schedule.Worker('mixnet', argv)


def start(make, name):
    """A worker, or None with a word on standard error: an engine that fails must not end the comparison."""
    try:
        return make()
    except Exception as e:
        print(f'  {name}: left out: {str(e).strip().splitlines()[-1] if str(e).strip() else type(e).__name__}', file=sys.stderr)
        return None


def compare(a, network, batch, size, threads, engines):
    """One case: every engine's row."""
    import numpy as np
    files = export.files(network, batch, size, engines)
    spec = dict(network=network, batch=batch, size=size, threads=threads, **files)
    workers = [start(lambda: our_worker(a, network, batch, size, threads, files), 'mixnet')] if a.mixnet else []
    workers += [start(lambda e=e: schedule.python_worker(e, spec), e) for e in engines if e != 'litert' or 'tflite' in files]
    workers = [w for w in workers if w]
    schedule.interleave(workers, a.rounds, a.seconds)
    want = np.load(files['reference']).ravel()
    rows = []
    for w in workers:
        error = float(np.abs(w.logits() - want).max())
        w.finish()
        rows.append(dict(w.summary(batch), max_error=error, peak_rss_mb=w.peak_rss_mb))
        if not error <= TOLERANCE:
            print(f'  {w.name}: logits differ by {error:g}', file=sys.stderr)
    case = dict(network=network, batch=batch, size=size, threads=threads, rows=schedule.ratio(rows))
    print(chart.case_line(case), flush=True)
    return case


def infer(a):
    cases = [c for c in INFER if a.networks is None or c[0] in a.networks]
    return [compare(a, n, b, 224, t, a.engines) for n, b, t in cases]


def zoo(a):
    engines = [e for e in a.engines if e in ('openvino', 'onnxruntime')]
    return [compare(a, n, 1, 224, 1, engines) for n in a.networks or ZOO]


def grow(a):
    engines = [e for e in a.engines if e in ('openvino', 'onnxruntime', 'torch_compile')]
    n = (a.networks or ['mixnet_s'])[0]
    cores = os.cpu_count()
    return dict(batch=[compare(a, n, b, 224, min(2, cores), engines) for b in (1, 2, 4, 8, 16, 32, 64)],
                resolution=[compare(a, n, 1, s, 1, engines) for s in (96, 128, 160, 192, 224, 288, 352, 448)],
                threads=[compare(a, n, 1, 224, t, engines) for t in sorted({1, 2, cores // 2, cores} - {0})])


def mixconv(a):
    import mixconv as op
    return op.measure(a, start)


def train(a):
    import training
    return training.measure(a, start, our_worker)


def load(a):
    import loading
    return loading.measure(a)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['infer', 'zoo', 'grow', 'mixconv', 'train', 'load', 'report'])
    p.add_argument('--mixnet', type=pathlib.Path, default=HERE.parent / 'mixnet', help='the program; left out where it is missing')
    p.add_argument('--networks', type=lambda s: s.split(','))
    p.add_argument('--engines', type=lambda s: s.split(','), default=list(ENGINES))
    p.add_argument('--rounds', type=int, default=10)
    p.add_argument('--seconds', type=float, default=0.5, help='length of a turn')
    p.add_argument('--data', type=pathlib.Path, default=pathlib.Path('photos'), help='folder of JPEGs for load')
    p.add_argument('--out', type=pathlib.Path, default=HERE / 'results')
    a = p.parse_args()
    a.mixnet = a.mixnet.resolve() if a.mixnet.exists() else None
    a.out = a.out / machine.slug()
    a.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault('TORCHINDUCTOR_CACHE_DIR', str(export.CACHE / 'inductor'))
    if a.what != 'report':
        result = dict(machine=machine.describe(), rounds=a.rounds, seconds=a.seconds, cases=globals()[a.what](a))
        (a.out / f'{a.what}.json').write_text(json.dumps(result, indent=1) + '\n')
    chart.report(a.out)


if __name__ == '__main__':
    main()
