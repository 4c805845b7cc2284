"""Finding objects: MobileNetV2-SSDLite at 320 pixels, from an image's tensor to boxes, decoding and suppression included.

Peers run three graphs and the fastest way is published:
  torch   PyTorch's, whose outputs are the box codes and class outputs of all anchors, joined
  heads   the one of `mixnet export`, with the outputs of every map
  boxes   the one of `mixnet export --nms`, which makes the boxes itself
What the first two leave to do is done here, in the fastest way that was found: a threshold on all outputs by numpy, sigmoid
and boxes of those few that pass it, and torchvision's suppression, which is written in C++. 'network' is the time of the
graph alone. Class outputs are shifted so that one in a thousand is over the threshold, as in a trained network.
"""
import subprocess
import sys

import export
import schedule
import worker

NETWORK, SIZE, CLASSES = 'mobilenetv2_100_ssdlite320', 320, 80
SCORE, IOU, MOST = 0.5, 0.6, 100
SHARE = 1e-3  # of the class outputs that are over the threshold
ENGINES = ('openvino', 'onnxruntime')
GRAPHS = ('torch', 'heads', 'boxes')
TOLERANCE = 1e-3


def twin():
    """The network in PyTorch, with the names and the padding that it has in the zoo."""
    import torch
    from timm.layers import create_conv2d
    from timm.models.efficientnet import _gen_mobilenet_v2
    nn = torch.nn

    class ConvNorm(nn.Sequential):
        def __init__(self, i, o, k=1, stride=1):
            depthwise = dict(depthwise=True) if k > 1 else {}
            super().__init__(create_conv2d(i, o, k, stride=stride, padding='same', **depthwise), nn.BatchNorm2d(o, eps=1e-3), nn.ReLU6())

    class Predictors(nn.Module):
        def __init__(self, channels, outputs):
            super().__init__()
            self.module_list = nn.ModuleList(nn.Sequential(ConvNorm(c, c, 3), nn.Conv2d(c, o, 1)) for c, o in zip(channels, outputs))

    class SSDLite(nn.Module):
        def __init__(self):
            super().__init__()
            net = _gen_mobilenet_v2('mobilenetv2_100', pad_type='same', bn_eps=1e-3)
            for name in ('conv_stem', 'bn1', 'blocks', 'conv_head', 'bn2'):
                setattr(self, name, getattr(net, name))
            extras = [(1280, 512), (512, 256), (256, 256), (256, 128)]
            self.extra = nn.ModuleList(nn.Sequential(ConvNorm(i, o // 2), ConvNorm(o // 2, o // 2, 3, 2), ConvNorm(o // 2, o)) for i, o in extras)
            channels = [576, 1280] + [o for _, o in extras]
            anchors = [3] + 5 * [6]
            self.head = nn.ModuleDict(dict(regression_head=Predictors(channels, [4 * a for a in anchors]),
                                           classification_head=Predictors(channels, [(CLASSES + 1) * a for a in anchors])))

        def maps(self, x):
            x = self.bn1(self.conv_stem(x))
            for i, part in enumerate(self.blocks):
                for j, block in enumerate(part):
                    if (i, j) == (5, 0):
                        yield block.bn1(block.conv_pw(x))
                    x = block(x)
            x = self.bn2(self.conv_head(x))
            yield x
            for e in self.extra:
                x = e(x)
                yield x

        def forward(self, x):
            maps = list(self.maps(x))

            def joined(head, n):
                return torch.cat([m(x).permute(0, 2, 3, 1).reshape(x.shape[0], -1, n) for m, x in zip(self.head[head].module_list, maps)], 1)
            return joined('regression_head', 4), joined('classification_head', CLASSES + 1)
    return SSDLite()


def network():
    """The twin with parameters by the rule of golden files, and class outputs as a trained network has them."""
    import numpy as np
    import rule
    import torch
    net = rule.fill(twin()).eval()
    with torch.inference_mode():
        logits = net(rule.image(1, SIZE, SIZE))[1][:, :, 1:].numpy()
        shift = float(np.quantile(logits, 1 - SHARE))
        for m in net.head.classification_head.module_list:
            m[1].bias -= shift
    return net


def files(mixnet):
    """Paths of the weights, the input, the reference and the graphs."""
    import numpy as np
    import rule
    import torch
    from safetensors.torch import save_file
    d = export.CACHE / NETWORK
    d.mkdir(parents=True, exist_ok=True)
    net, x = network(), rule.image(1, SIZE, SIZE)

    def reference(p):
        with torch.inference_mode(), open(p, 'wb') as f:
            np.save(f, np.concatenate([y.numpy().ravel() for y in net(x)]))

    def graph(p):
        with torch.inference_mode():
            torch.onnx.export(net, x, str(p), opset_version=17, dynamo=False)
    out = dict(weights=export.write(d / 'weights.safetensors', lambda p: save_file({k: v.contiguous() for k, v in net.state_dict().items()}, p)),
               input=export.write(d / 'input.f32', lambda p: x.numpy().tofile(p)), reference=export.write(d / 'reference.npy', reference),
               torch=export.write(d / 'torch.onnx', graph))
    for name, more in (('heads', []), ('boxes', ['--nms', '--score', SCORE, '--iou', IOU, '--max', MOST])):
        argv = [mixnet, 'export', out['weights'], '--network', NETWORK, '--batch', '1', *more, '-o']
        out[name] = export.write(d / f'{name}.onnx', lambda p: subprocess.run([str(v) for v in [*argv, p]], check=True, stdout=subprocess.DEVNULL))
    return {k: str(v) for k, v in out.items()}


def anchors():
    """Centres and sizes, y before x, of TensorFlow's anchors."""
    import numpy as np
    scales = [0.2 + 0.15 * i for i in range(6)] + [1.0]
    out = []
    for level, grid in enumerate((20, 10, 5, 3, 2, 1)):
        s = scales[level]
        shapes = [(s, 1), (s, 2), (s, 0.5), (s, 3), (s, 0.3333), ((s * scales[level + 1]) ** 0.5, 1)] if level else [(0.1, 1), (0.2, 2), (0.2, 0.5)]
        for y in range(grid):
            for x in range(grid):
                out += [((y + 0.5) / grid, (x + 0.5) / grid, s / r ** 0.5, s * r ** 0.5) for s, r in shapes]
    return np.array(out, np.float32)


def post(threads):
    """Returns what makes boxes of codes (anchors × 4) and outputs (anchors × slots)."""
    import numpy as np
    import torch
    from torchvision.ops import batched_nms
    torch.set_num_threads(threads)
    at = anchors()
    least = np.float32(np.log(SCORE / (1 - SCORE)))

    def boxes(codes, logits):
        anchor, slot = np.nonzero(logits[:, 1:] > least)
        scores = 1 / (1 + np.exp(-logits[anchor, slot + 1]))
        c, a = codes[anchor], at[anchor]
        center = c[:, :2] / 10 * a[:, 2:] + a[:, :2]
        half = np.exp(c[:, 2:] / 5) * a[:, 2:] / 2
        b = np.concatenate([center - half, center + half], 1)
        kept = batched_nms(torch.from_numpy(b), torch.from_numpy(scores), torch.from_numpy(slot), IOU)[:MOST].numpy()
        return b[kept].clip(0, 1), scores[kept], slot[kept]
    return boxes


def joined(outputs):
    """The outputs of the maps as those of all anchors; they come as codes and class outputs in turns."""
    import numpy as np

    def one(n, which):
        return np.concatenate([y.reshape(1, y.shape[1], -1).transpose(0, 2, 1).reshape(-1, n) for y in outputs[which::2]])
    return one(4, 0), one(CLASSES + 1, 1)


def peer(open_session):
    """A peer's worker: 'graph' of the spec says which graph, 'network' that nothing is done with its outputs."""
    def make(spec):
        run, version = open_session(spec)
        graph, leave = spec['graph'], spec['graph'] == 'boxes' or spec.get('network')
        boxes = None if leave else post(spec['threads'])

        def heads():
            y = run()
            return joined(y) if graph == 'heads' else (y[0].reshape(-1, 4), y[1].reshape(-1, CLASSES + 1))

        def call():
            if leave:
                return run()
            return boxes(*heads())

        def raw(_):
            import numpy as np
            if graph == 'boxes':
                return np.array([len(run()[1])])
            return np.concatenate([y.ravel() for y in heads()])
        return call, raw, version
    return make


def onnxruntime(spec):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = spec['threads'], 1
    session = ort.InferenceSession(spec[spec['graph']], options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: worker.read_input(spec)}
    return lambda: session.run(None, feed), ort.__version__


def openvino(spec):
    import openvino as ov
    core = ov.Core()
    settings = dict(INFERENCE_NUM_THREADS=spec['threads'], INFERENCE_PRECISION_HINT='f32', NUM_STREAMS=1, PERFORMANCE_HINT='LATENCY')
    compiled = core.compile_model(core.read_model(spec[spec['graph']]), 'CPU', settings)
    request, feed, n = compiled.create_infer_request(), {0: worker.read_input(spec)}, len(compiled.outputs)

    def run():
        y = request.infer(feed, share_inputs=True, share_outputs=True)
        return [y[i] for i in range(n)]
    return run, ov.__version__


PEERS = dict(onnxruntime=peer(onnxruntime), openvino=peer(openvino))


def measure(a, start):
    import numpy as np
    if not a.mixnet:
        raise SystemExit('detect: the program mixnet makes the graphs: build it first')
    paths = files(a.mixnet)
    cases = []
    for threads in (1, 2):
        spec = dict(threads=threads, batch=1, size=SIZE, **paths)
        ours = [a.mixnet, 'bench', 'infer', NETWORK, '--weights', paths['weights'], '--input', paths['input'], '--score', SCORE, '--threads', threads, '--worker']
        all = [start(lambda: schedule.Worker('mixnet', ours), 'mixnet')]
        for e in ENGINES:
            if e in a.engines:
                kinds = [(g, {}) for g in GRAPHS] + [(g, dict(network=True)) for g in GRAPHS[:2]]
                for graph, more in kinds:
                    w = start(lambda: schedule.python_worker(e, dict(spec, graph=graph, **more), 'detection.py'), e)
                    if w:
                        w.engine, w.graph, w.part = e, graph, 'network' if more else 'all'
                        w.name = f'{e} {graph} {w.part}'
                        all.append(w)
        all = [w for w in all if w]
        schedule.interleave(all, a.rounds, a.seconds)
        want, rows = np.load(paths['reference']), []
        for w in all:
            y = w.logits()
            error = 0 if len(y) == 1 else float(np.abs(y - want).max() / np.abs(want).max())
            w.finish()
            rows.append(dict(w.summary(), max_error=error, peak_rss_mb=w.peak_rss_mb, graph=getattr(w, 'graph', 'mixnet'), part=getattr(w, 'part', 'all')))
            if not error <= TOLERANCE:
                print(f'  {w.name}: outputs differ by {error:g} of the largest', file=sys.stderr)
        cases.append(case(threads, schedule.ratio(rows)))
    return cases


def case(threads, rows):
    """The fastest way of every engine, and all of them."""
    import chart
    best = {}
    for r in rows:
        engine = r['engine'].split()[0]
        if r['part'] == 'all' and (engine not in best or r['median_ms'] < best[engine]['median_ms']):
            best[engine] = dict(r, engine=engine)
    c = dict(network=NETWORK, batch=1, size=SIZE, threads=threads, rows=list(best.values()), all=rows)
    print(chart.case_line(c), flush=True)
    for r in sorted(rows, key=lambda r: r['median_ms']):
        print(f'  {r["engine"]:30} {r["median_ms"]:.2f}', flush=True)
    return c


if __name__ == '__main__':
    import json
    with open(sys.argv[2]) as spec_file:
        worker.serve(PEERS[sys.argv[1]], json.load(spec_file))
