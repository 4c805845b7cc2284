"""Networks in whole numbers of 8 bits, in every engine's own form, for `peers.py int8`.

All three are made of the same weights and the same photos: ours by `mixnet quantize`, OpenVINO's by NNCF (asymmetric
activations, full bias correction), ONNX Runtime's by its quantize_static (QDQ, weights per channel, u8 activations). NNCF is
not in requirements.txt: pip install nncf.
"""
import pathlib
import subprocess

import export

PHOTOS = 64


def photos(folder, size):
    """Normalized photos, one at a time, as the networks take them."""
    import numpy as np
    from PIL import Image
    files = sorted(p for p in folder.rglob('*') if p.suffix.lower() in ('.jpg', '.jpeg', '.png', '.bmp'))[:PHOTOS]
    if not files:
        raise SystemExit(f'{folder}: no photos to quantize by; name a folder with --data')
    for f in files:
        x = np.asarray(Image.open(f).convert('RGB').resize((size, size), Image.BICUBIC), np.float32) / 255
        yield ((x - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)).astype(np.float32).transpose(2, 0, 1)[None]


def ours(a, network, files):
    def make(p):
        subprocess.run([a.mixnet, 'quantize', files['safetensors'], '--network', network, '--data', a.data, '--images', str(PHOTOS),
                        '--judge', '16', '--agreement', '0', '-o', p], check=True, stdout=subprocess.DEVNULL)
    return str(export.write(export.CACHE / network / 'int8.safetensors', make))


def beside(graph, end):
    """The path of what is made of a graph."""
    graph = pathlib.Path(graph)
    return graph.with_name(graph.stem + end)


def runtime(a, graph, size):
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photos(CalibrationDataReader):
        def __init__(self, name):
            self.name, self.rest = name, photos(a.data, size)

        def get_next(self):
            x = next(self.rest, None)
            return None if x is None else {self.name: x}

    def make(p):
        import onnx
        ready = beside(graph, '_ready.onnx')
        quant_pre_process(graph, str(ready), skip_symbolic_shape=True)
        quantize_static(str(ready), str(p), Photos(onnx.load(graph).graph.input[0].name), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return str(export.write(beside(graph, '_qdq.onnx'), make))


def openvino(a, graph, size):
    def make(p):
        import nncf
        import openvino as ov
        model = nncf.quantize(ov.Core().read_model(graph), nncf.Dataset(list(photos(a.data, size))),
                              preset=nncf.QuantizationPreset.MIXED, fast_bias_correction=False, subset_size=PHOTOS)
        ov.save_model(model, p, compress_to_fp16=False)
        p.with_suffix('.bin').rename(path.with_suffix('.bin'))
    path = beside(graph, '_nncf.xml')
    return str(export.write(path, make))
