"""Measures mixnet beside other engines on this machine, in turns, and writes the table that the README shows.

    bench/setup.sh                       the virtual environment (once); bench/setup.sh litert adds LiteRT's converter
    go build -o mixnet ./cmd/mixnet
    python bench/peers.py infer          networks, one and two threads, batch 1 and 16
    python bench/peers.py zoo            other networks; --networks all for every network of the zoo
    python bench/peers.py grow           how time grows with batch, resolution, threads, kernel size and concurrent callers
    python bench/peers.py soak           ten minutes of mixed load on ours
    python bench/peers.py mixconv        MixConv alone, by groups, size, stride and channels
    python bench/peers.py int8 --data D  networks in whole numbers of 8 bits, quantized by the photos of a folder
    python bench/peers.py bf16           networks in bfloat16 beside float32, and what OpenVINO computes in by default
    python bench/peers.py detect         finding objects, boxes included
    python bench/peers.py train          training steps beside PyTorch's
    python bench/peers.py train_bf16     the same in bfloat16, with PyTorch's autocast
    python bench/peers.py load --data D  reading a folder of JPEGs beside torchvision
    python bench/peers.py report         the tables and charts again, from the results stored

Every engine runs in a process of its own and is timed in turns of about half a second, in rotating order. The figures are
medians of all calls; 'ours / theirs' is the median over the rounds of the ratio of that round's medians, so a slow moment of
the machine hits both sides. Outputs must agree within 1e-3. Results go to bench/results/HOST/*.json; HOST names the processor.
--networks and --by measure a part anew and keep the rest of what is stored.
"""
import argparse
import json
import os
import pathlib
import sys

import chart
import export
import lowp
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
# For `int8` and `bf16`.
PRECISIONS = ('mixnet_s', 'mixnet_m', 'mixnet_l', 'mobilenetv1_100', 'mobilenetv2_100', 'mobilenetv3_large_100')
TOLERANCE = 1e-3
# Engines that read ONNX are timed on torch's graph and on the one that mixnet exports; the faster of the two is published.
# OpenVINO computes what is not in whole numbers in float32 or in bf16, whichever is faster.
GRAPHS = ('openvino', 'onnxruntime')
FOLDED = '_folded'
BF16 = '_bf16'


def our_worker(a, network, batch, size, threads, files=None, what='infer', extra=()):
    argv = [a.mixnet, 'bench', what, network, '--batch', batch, '--threads', threads, '--worker', *extra]
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


def folded_worker(engine, spec):
    """An engine on the graph that mixnet exports."""
    w = schedule.python_worker(engine, dict(spec, onnx=spec['onnx_folded']))
    w.name = engine + FOLDED
    return w


def workers(a, network, batch, size, threads, engines, callers=1):
    """A process of every engine, ready to run, and the files they read."""
    files = export.files(network, batch, size, engines, a.mixnet)
    spec = dict(network=network, batch=batch, size=size, threads=threads, callers=callers, **files)
    crowd = ('callers', ('--callers', callers)) if callers > 1 else ()
    all = [start(lambda: our_worker(a, network, batch, size, threads, files, *crowd), 'mixnet')] if a.mixnet else []
    all += [start(lambda e=e: schedule.python_worker(e, spec), e) for e in engines if e != 'litert' or 'tflite' in files]
    if 'onnx_folded' in files and callers == 1:
        all += [start(lambda e=e: folded_worker(e, spec), e + FOLDED) for e in engines if e in GRAPHS]
    return [w for w in all if w], files


def better(rows):
    """Of an engine in several forms, the row of the fastest; 'graph' says whose graph that was, 'rest' what is not in whole numbers."""
    kept = []
    for r in rows:
        form = r['engine'].removesuffix(BF16)
        name = form.removesuffix(FOLDED)
        r = dict(r, rest='bf16') if form != r['engine'] else r
        r = dict(r, engine=name, graph='mixnet' if form != name else 'torch') if name.split('_')[0] in GRAPHS else r
        other = next((k for k in kept if k['engine'] == name), None)
        if other is None:
            kept.append(r)
        elif r['median_ms'] < other['median_ms']:
            kept[kept.index(other)] = r
    return kept


def compare(a, network, batch, size, threads, engines):
    """One case: every engine's row."""
    import numpy as np
    all, files = workers(a, network, batch, size, threads, engines)
    schedule.interleave(all, a.rounds, a.seconds)
    want = np.load(files['reference']).ravel()
    rows = []
    for w in all:
        error = float(np.abs(w.logits() - want).max())
        w.finish()
        rows.append(dict(w.summary(batch), max_error=error, peak_rss_mb=w.peak_rss_mb))
        if not error <= TOLERANCE:
            print(f'  {w.name}: logits differ by {error:g}', file=sys.stderr)
    case = dict(network=network, batch=batch, size=size, threads=threads, rows=better(schedule.ratio(rows)))
    print(chart.case_line(case), flush=True)
    return case


def callers(a, network, n, engines):
    """Many callers of one model: throughput, latency and memory."""
    threads = min(2, os.cpu_count())
    all, _ = workers(a, network, 1, 224, threads, engines, n)
    case = dict(network=network, batch=1, size=224, threads=threads, callers=n, rows=schedule.crowds(all, max(1, a.rounds // 3), 4 * a.seconds))
    print(f'{n} callers:', {r['engine']: f'{r["images_per_s"]:.0f}/s, 99 % in {r["p99_ms"]:.0f} ms, {r["peak_rss_mb"]:.0f} MB' for r in case['rows']}, flush=True)
    return case


def merge(old, new):
    """Cases of old that are not measured anew, and new, in the order of old."""
    def key(c):
        return c['network'], c['batch'], c['size'], c['threads'], c.get('callers', 1)
    fresh = {key(c): c for c in new}
    return [fresh.pop(key(c), c) for c in old] + list(fresh.values())


def infer(a, old):
    cases = [c for c in INFER if a.networks is None or c[0] in a.networks]
    return merge(old or [], [compare(a, n, b, 224, t, a.engines) for n, b, t in cases])


def int8_workers(a, network):
    """Processes of a network in whole numbers, and of ours in floats: OpenVINO by NNCF, ONNX Runtime by its own quantizer."""
    files = export.files(network, 1, 224, ('openvino',), a.mixnet)
    spec = dict(network=network, batch=1, size=224, threads=1, callers=1, **files)
    make = {
        'mixnet': lambda: our_worker(a, network, 1, 224, 1, dict(files, safetensors=lowp.ours(a, network, files))),
        'mixnet_float32': lambda: our_worker(a, network, 1, 224, 1, files),
    }
    for suffix, graph in (('', files['onnx']), (FOLDED, files['onnx_folded'])):
        make['onnxruntime' + suffix] = lambda g=graph: schedule.python_worker('onnxruntime', dict(spec, onnx=lowp.runtime(a, g, 224)))
        for rest in ('f32', 'bf16'):
            make['openvino' + suffix + (BF16 if rest == 'bf16' else '')] = lambda g=graph, p=rest: schedule.python_worker(
                'openvino', dict(spec, onnx=lowp.openvino(a, g, 224), precision=p))
    all = []
    for name, f in make.items():
        if w := start(f, name):
            w.name = name
            all.append(w)
    return all


def int8(a, old):
    """Whole numbers beside floats, all in the same turns."""
    cases = []
    for network in a.networks or PRECISIONS:
        all = int8_workers(a, network)
        schedule.interleave(all, a.rounds, a.seconds)
        rows = []
        for w in all:
            w.finish()
            rows.append(dict(w.summary(1), peak_rss_mb=w.peak_rss_mb))
        case = dict(network=network, batch=1, size=224, threads=1, rows=better(schedule.ratio(rows)))
        print(chart.case_line(case), flush=True)
        cases.append(case)
    return merge(old or [], cases)


def bf16(a, old):
    """bfloat16 beside float32, and OpenVINO without a word about precision, in the same turns."""
    cases = []
    for network in a.networks or PRECISIONS:
        files = export.files(network, 1, 224, ('openvino',), a.mixnet)
        spec = dict(network=network, batch=1, size=224, threads=1, callers=1, **files)
        make = {
            'mixnet': lambda: our_worker(a, network, 1, 224, 1, files, extra=('--precision', 'bf16')),
            'mixnet_float32': lambda: our_worker(a, network, 1, 224, 1, files),
        }
        for suffix, graph in (('', files['onnx']), (FOLDED, files['onnx_folded'])):
            for what, precision in (('', ''), ('_float32', 'f32')):
                make['openvino' + what + suffix] = lambda g=graph, p=precision: schedule.python_worker('openvino', dict(spec, onnx=g, precision=p))
        all = []
        for name, f in make.items():
            if w := start(f, name):
                w.name = name
                all.append(w)
        schedule.interleave(all, a.rounds, a.seconds)
        rows = []
        for w in all:
            w.finish()
            rows.append(dict(w.summary(1), peak_rss_mb=w.peak_rss_mb))
        case = dict(network=network, batch=1, size=224, threads=1, rows=better(schedule.ratio(rows)))
        print(chart.case_line(case), flush=True)
        cases.append(case)
    return merge(old or [], cases)


def zoo(a, old):
    from networks import ALL
    engines = [e for e in a.engines if e in ('openvino', 'onnxruntime')]
    names = [n.replace('/', '_') for n in ALL] if a.networks == ['all'] else a.networks or ZOO
    return merge(old or [], [compare(a, n, 1, dict(mixnet_tiny=28, mixnet_cifar=32).get(n, 224), 1, engines) for n in names])


def grow(a, old):
    engines = [e for e in a.engines if e in ('openvino', 'onnxruntime')]
    n = (a.networks or ['mixnet_s'])[0]
    cores = os.cpu_count()
    by = dict(batch=lambda: [compare(a, n, b, 224, min(2, cores), engines) for b in (1, 2, 4, 8, 16, 32, 64)],
              resolution=lambda: [compare(a, n, 1, s, 1, engines) for s in (96, 128, 160, 192, 224, 288, 352, 448)],
              threads=lambda: [compare(a, n, 1, 224, t, engines) for t in sorted({1, 2, cores // 2, cores} - {0})],
              kernel=lambda: [compare(a, f'mobilenetv1_100@kernel={k}', 1, 224, 1, engines) for k in (3, 5, 7, 9, 11, 13)],
              callers=lambda: [callers(a, n, c, engines) for c in (1, 2, 4, 8, 16, 32, 64)])
    return {k: measure() if a.by is None or k in a.by else (old or {}).get(k, []) for k, measure in by.items()}


def soak(a, old):
    """Ours alone: it fails if equal calls give other bits."""
    import subprocess
    argv = [a.mixnet, 'bench', 'soak', 'mixnet_s', 'mobilenetv3_large_100', 'shufflenet_v2_x1_0', '--time', a.long, '--json']
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)


def mixconv(a, old):
    import mixconv as op
    return op.measure(a, start)


def detect(a, old):
    import detection
    return detection.measure(a, start)


def train(a, old):
    import training
    return training.measure(a, start, our_worker)


def train_bf16(a, old):
    import training
    return training.measure(a, start, our_worker, 'bf16')


def load(a, old):
    import loading
    return loading.measure(a)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('what', choices=['infer', 'zoo', 'grow', 'soak', 'mixconv', 'int8', 'bf16', 'detect', 'train', 'train_bf16', 'load', 'report'])
    p.add_argument('--mixnet', type=pathlib.Path, default=HERE.parent / 'mixnet', help='the program; left out where it is missing')
    p.add_argument('--networks', type=lambda s: s.split(','))
    p.add_argument('--engines', type=lambda s: s.split(','), default=list(ENGINES))
    p.add_argument('--by', type=lambda s: s.split(','), help='what to grow: batch, resolution, threads, kernel, callers')
    p.add_argument('--long', default='10m', help='how long to soak')
    p.add_argument('--rounds', type=int, default=10)
    p.add_argument('--seconds', type=float, default=0.5, help='length of a turn')
    p.add_argument('--data', type=pathlib.Path, default=pathlib.Path('photos'), help='folder of JPEGs for load, of photos for int8')
    p.add_argument('--out', type=pathlib.Path, default=HERE / 'results')
    a = p.parse_args()
    a.mixnet = a.mixnet.resolve() if a.mixnet.exists() else None
    a.out = a.out / machine.slug()
    a.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault('TORCHINDUCTOR_CACHE_DIR', str(export.CACHE / 'inductor'))
    if a.what != 'report':
        path = a.out / f'{a.what}.json'
        cases = globals()[a.what](a, json.loads(path.read_text())['cases'] if path.exists() else None)
        path.write_text(json.dumps(dict(machine=machine.describe(), rounds=a.rounds, seconds=a.seconds, cases=cases), indent=1) + '\n')
    chart.report(a.out)


if __name__ == '__main__':
    main()
