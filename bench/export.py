"""One set of weights in every engine's own file format.

files(network, batch, size) exports what is missing under CACHE and returns the paths. Weights, batch-norm statistics and
the input follow golden/rule.py, so that two runs, here or elsewhere, measure and compare the same numbers.
"""
import os
import pathlib
import subprocess
import sys
import warnings

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get('MIXNET_BENCH_CACHE', HERE / '.cache'))
LITERT_PYTHON = pathlib.Path(os.environ.get('MIXNET_LITERT_VENV', HERE / '.venv-litert')) / 'bin/python'
sys.path.insert(0, str(HERE / 'golden'))


def model(network):
    import rule
    from networks import named
    return rule.fill(named(network)).eval()


def image(batch, size, net=None):
    """The input, of as many channels as the network takes."""
    import rule
    channels = next(p for p in net.parameters() if p.ndim == 4).shape[1] if net else 3
    return rule.image(batch, size, size)[:, :channels].contiguous()


def write(path, make):
    """Calls make(temporary) and renames it to path, unless path is there."""
    if not path.exists():
        tmp = path.with_name('tmp_' + path.name)
        make(tmp)
        tmp.rename(path)
    return path


def files(network, batch=1, size=224, peers=(), mixnet=None):
    """Paths of the files that the peers named need: safetensors, input, reference, onnx, ncnn, mnn, tflite.

    With the program mixnet there is onnx_folded too, the graph that it exports: batch norm and activation in every branch."""
    import numpy as np
    import torch
    d = CACHE / network
    d.mkdir(parents=True, exist_ok=True)
    tag = f'b{batch}_s{size}'
    warnings.filterwarnings('ignore')
    ncnn_bin = d / f's{size}.ncnn.bin'
    loaded = []

    def net():
        if not loaded:
            loaded.append(model(network))
        return loaded[0]

    def safetensors(p):
        from safetensors.torch import save_file
        save_file({k: v.contiguous() for k, v in net().state_dict().items()}, p)

    def reference(p):
        with torch.inference_mode():
            np.save(p, net()(image(batch, size, net())).numpy())

    def onnx(p):
        with torch.inference_mode():
            torch.onnx.export(net(), image(batch, size, net()), str(p), opset_version=17, dynamo=False)

    def folded(p):
        subprocess.run([mixnet, 'export', out['safetensors'], '--network', network, '--batch', str(batch), '--size', str(size), '-o', p],
                       check=True, stdout=subprocess.DEVNULL)

    def ncnn(p):
        script = d / f'{tag}_trace.pt'
        torch.jit.trace(net(), image(1, size)).save(script)
        pnnx = pathlib.Path(sys.executable).with_name('pnnx')
        subprocess.run([pnnx, script, f'inputshape=[1,3,{size},{size}]', 'fp16=0', f'ncnnparam={p}', f'ncnnbin={ncnn_bin}',
                        *(f'{k}={d}/{tag}_unused.{v}' for k, v in dict(pnnxparam='pnnx.param', pnnxbin='pnnx.bin', pnnxpy='py', pnnxonnx='pnnx.onnx', ncnnpy='ncnn.py').items())],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=d)

    def mnn(p):
        code = 'import sys, _tools; _tools.mnnconvert(sys.argv)'
        subprocess.run([sys.executable, '-c', code, '-f', 'ONNX', '--modelFile', out['onnx'], '--MNNModel', p, '--bizCode', 'mixnet'],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def tflite(p):
        code = 'import sys, export; export.litert(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])'
        subprocess.run([LITERT_PYTHON, '-c', code, network, str(batch), str(size), p], check=True, cwd=HERE,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    out = dict(safetensors=write(d / 'weights.safetensors', safetensors),
               input=write(d / f'{tag}.f32', lambda p: image(batch, size, net()).numpy().tofile(p)),
               reference=write(d / f'{tag}.npy', reference))
    if {'onnxruntime', 'openvino', 'mnn'} & set(peers):
        out['onnx'] = write(d / f'{tag}.onnx', onnx)
    if mixnet and {'onnxruntime', 'openvino'} & set(peers):
        out['onnx_folded'] = write(d / f'{tag}_folded.onnx', folded)
    if 'ncnn' in peers:
        out['ncnn'] = write(d / f's{size}.ncnn.param', ncnn)
        out['ncnn_bin'] = ncnn_bin
    if 'mnn' in peers:
        out['mnn'] = write(d / f'{tag}.mnn', mnn)
    if 'litert' in peers and LITERT_PYTHON.exists():
        out['tflite'] = write(d / f'{tag}.tflite', tflite)
    return {k: str(v) for k, v in out.items()}


def litert(network, batch, size, path):
    """Runs in the LiteRT environment (setup.sh litert)."""
    import litert_torch
    litert_torch.convert(model(network), (image(batch, size),)).export(path)
