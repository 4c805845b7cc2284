"""Prints what ONNX Runtime and OpenVINO compute of ONNX files: objects.py INPUT.bin C H W FILE…

The input is an image of float32, C×H×W. For every file and engine a JSON line
is printed: its outputs by their names.
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime as ort

try:
    import openvino as ov
except ImportError:
    ov = None

x = np.fromfile(sys.argv[1], np.float32).reshape(1, *map(int, sys.argv[2:5]))
for name in sys.argv[5:]:
    onnx.checker.check_model(name, full_check=True)
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(name, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    y = session.run(None, {session.get_inputs()[0].name: x})
    print(json.dumps({"engine": "ONNX Runtime", "outputs": {n: v.ravel().tolist() for n, v in zip(names, y)}}))
    if ov is not None:
        core = ov.Core()
        z = core.compile_model(core.read_model(name), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})([x])
        print(json.dumps({"engine": "OpenVINO", "outputs": {n: z[n].ravel().tolist() for n in names}}))
