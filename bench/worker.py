"""One engine in one process, timed on request: python bench/worker.py PEER SPEC.json

SPEC: network, batch, size, threads, and the files of export.files. The protocol, one JSON object a line:
  the process sets up, runs once, and prints            {"ready": true, "version": ...}
  {"run": N}        N timed calls                    -> {"ms": [...]}
  {"crowd": S}      spec's callers for S seconds     -> {"ms": [...], "wall_ms": X}
  {"load": SPEC}    sets up another case             -> {"ok": true}     (not in mixnet's)
  {"logits": PATH}  the last output as raw float32   -> {"ok": true}
  end of input                                       -> {"peak_rss_mb": X}
`mixnet bench --worker` speaks the same. Standard output belongs to the protocol; engines that print are sent to standard
error.
"""
import json
import multiprocessing
import os
import sys
import threading
import time


def torch_model(spec, compiled, channels_last):
    import torch
    import export
    torch.set_num_threads(spec['threads'])
    net = export.model(spec['network'])
    x = export.image(spec['batch'], spec['size'], net)
    if channels_last:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if compiled:
        import torch._inductor.config as inductor
        inductor.freezing = True  # folds batch norm and packs weights: the fastest that torch.compile does for inference
        net = torch.compile(net)

    def run():
        with torch.inference_mode():
            return net(x)
    return run, lambda y: y.numpy(), torch.__version__


def torch_eager(spec):
    return torch_model(spec, False, False)


def torch_channels_last(spec):
    return torch_model(spec, False, True)


def torch_compile(spec):
    return torch_model(spec, True, True)


def read_input(spec):
    import numpy as np
    return np.fromfile(spec['input'], np.float32).reshape(spec['shape'] if 'shape' in spec else (spec['batch'], -1, spec['size'], spec['size']))


def onnxruntime(spec):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = spec['threads'], 1
    session = ort.InferenceSession(spec['onnx'], options, providers=['CPUExecutionProvider'])
    feed = {session.get_inputs()[0].name: read_input(spec)}
    return lambda: session.run(None, feed)[0], lambda y: y, ort.__version__


def openvino(spec):
    import openvino as ov
    core = ov.Core()
    settings = dict(INFERENCE_NUM_THREADS=spec['threads'])
    if precision := spec.get('precision', 'f32'):  # its own choice otherwise
        settings['INFERENCE_PRECISION_HINT'] = precision
    settings |= dict(PERFORMANCE_HINT='THROUGHPUT') if spec.get('callers', 1) > 1 else dict(NUM_STREAMS=1, PERFORMANCE_HINT='LATENCY')
    compiled = core.compile_model(core.read_model(spec['onnx']), 'CPU', settings)
    feed = {0: read_input(spec)}
    own = threading.local()  # a request serves one caller at a time

    def run():
        if not hasattr(own, 'request'):
            own.request = compiled.create_infer_request()
        return own.request.infer(feed, share_inputs=True, share_outputs=True)[0]
    return run, lambda y: y, ov.__version__


def ncnn(spec):
    import ncnn as engine
    import numpy as np
    net = engine.Net()
    net.opt.num_threads = spec['threads']
    for name in ('use_fp16_packed', 'use_fp16_storage', 'use_fp16_arithmetic', 'use_bf16_storage'):
        setattr(net.opt, name, False)
    net.load_param(spec['ncnn'])
    net.load_model(spec['ncnn_bin'])
    batch = read_input(spec)  # stays alive: a Mat does not own what it wraps
    images = [engine.Mat(x) for x in batch]

    def run():
        out = []
        for image in images:  # ncnn has no batches
            ex = net.create_extractor()
            ex.input('in0', image)
            out.append(np.array(ex.extract('out0')[1]))  # copied: the memory goes with the extractor
        return out
    return run, lambda y: np.stack(y).reshape(len(batch), -1), engine.__version__


def mnn(spec):
    import MNN
    import numpy as np
    x = read_input(spec)
    net = MNN.Interpreter(spec['mnn'])
    session = net.createSession(dict(backend='CPU', numThread=spec['threads'], precision='high', memory='normal'))
    source, sink = net.getSessionInput(session), net.getSessionOutput(session)
    host = MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe)
    result = MNN.Tensor(sink.getShape(), MNN.Halide_Type_Float, np.zeros(sink.getShape(), np.float32), MNN.Tensor_DimensionType_Caffe)

    def run():
        source.copyFrom(host)
        net.runSession(session)
        sink.copyToHostTensor(result)
        return result
    return run, lambda y: np.array(y.getNumpyData()).reshape(len(x), -1), MNN.version()


def litert(spec):
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter
    net = Interpreter(spec['tflite'], num_threads=spec['threads'])
    net.allocate_tensors()
    net.set_tensor(net.get_input_details()[0]['index'], read_input(spec))
    index = net.get_output_details()[0]['index']

    def run():
        net.invoke()
        return net.get_tensor(index)
    return run, lambda y: y, getattr(ai_edge_litert, '__version__', '')


PEERS = {f.__name__: f for f in (openvino, onnxruntime, ncnn, mnn, litert, torch_compile, torch_channels_last, torch_eager)}


def peak_rss_mb():
    with open('/proc/self/status') as f:
        return next(int(line.split()[1]) for line in f if line.startswith('VmHWM')) / 1024


def crowd(run, callers, seconds):
    """Has threads call run again and again for a time, at least once each."""
    ms, begin = [], time.perf_counter()

    def call():
        while True:
            start = time.perf_counter()
            run()
            now = time.perf_counter()
            ms.append((now - start) * 1e3)
            if now - begin > seconds:
                return
    threads = [threading.Thread(target=call) for _ in range(callers)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return dict(ms=ms, wall_ms=(time.perf_counter() - begin) * 1e3)


def serve(make, spec):
    """Speaks the protocol for make(spec) -> (run, to numpy, version)."""
    pipe = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)

    def say(**msg):
        print(json.dumps(msg), file=pipe, flush=True)
    run, to_numpy, version = make(spec)
    out = run()
    say(ready=True, version=str(version))
    for line in sys.stdin:
        msg = json.loads(line)
        if 'run' in msg:
            ms = []
            for _ in range(msg['run']):
                start = time.perf_counter()
                out = run()
                ms.append((time.perf_counter() - start) * 1e3)
            say(ms=ms)
        elif 'crowd' in msg:
            say(**crowd(run, spec.get('callers', 1), msg['crowd']))
        elif 'load' in msg:
            run, to_numpy, _ = make(msg['load'])
            out = run()
            say(ok=True)
        elif 'logits' in msg:
            to_numpy(out).astype('<f4').tofile(msg['logits'])
            say(ok=True)
    say(peak_rss_mb=round(peak_rss_mb(), 1))
    pipe.flush()
    for child in multiprocessing.active_children():
        child.terminate()
    os._exit(0)  # some engines take seconds, or crash, in their destructors


if __name__ == '__main__':
    with open(sys.argv[2]) as spec_file:
        serve(PEERS[sys.argv[1]], json.load(spec_file))
