"""Quantizes with ONNX Runtime: static.py FLOAT.onnx WHOLE.onnx INPUT.bin N C H W CALIBRATE OUT.bin

The first CALIBRATE images of the input, float32 and N×H×W×C, are those to find
ranges by. The logits of all, computed from WHOLE.onnx, are written to OUT.bin.
"""
import sys

import numpy as np
import onnxruntime as ort
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

source, to, path, n, c, h, w, calibrate, out = *sys.argv[1:4], *map(int, sys.argv[4:9]), sys.argv[9]
x = np.fromfile(path, np.float32).reshape(n, h, w, c).transpose(0, 3, 1, 2).copy()


class Images(CalibrationDataReader):
    def __init__(self):
        self.rest = iter(x[i : i + 1] for i in range(calibrate))

    def get_next(self):
        image = next(self.rest, None)
        return None if image is None else {"image": image}


quantize_static(source, to, Images(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
session = ort.InferenceSession(to, providers=["CPUExecutionProvider"])
session.run(None, {"image": x})[0].astype(np.float32).tofile(out)
