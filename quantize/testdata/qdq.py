"""Runs a file of QuantizeLinear and DequantizeLinear: qdq.py FILE INPUT.bin N C H W OUT.bin

Every output, of ONNX Runtime without any optimization, is appended to OUT.bin as
float32, N×H×W×C. The operators that are left with all optimizations, and the
precisions of OpenVINO's convolutions, are printed as JSON.
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

file, path, n, c, h, w, out = *sys.argv[1:3], *map(int, sys.argv[3:7]), sys.argv[7]
onnx.checker.check_model(file, full_check=True)
x = np.fromfile(path, np.float32).reshape(n, h, w, c).transpose(0, 3, 1, 2).copy()


def session(level, save=None):
    o = ort.SessionOptions()
    o.log_severity_level = 3
    o.intra_op_num_threads = 1
    o.graph_optimization_level = level
    if save:
        o.optimized_model_filepath = save
    return ort.InferenceSession(file, o, providers=["CPUExecutionProvider"])


with open(out, "wb") as f:
    for y in session(ort.GraphOptimizationLevel.ORT_DISABLE_ALL).run(None, {"image": x}):
        if y.ndim == 4:
            y = y.transpose(0, 2, 3, 1)
        np.ascontiguousarray(y, np.float32).tofile(f)
session(ort.GraphOptimizationLevel.ORT_ENABLE_ALL, out + ".onnx")
told = {"nodes": {}, "openvino": {}}
for node in onnx.load(out + ".onnx").graph.node:
    told["nodes"][node.op_type] = told["nodes"].get(node.op_type, 0) + 1
if ov is not None:
    compiled = ov.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for op in compiled.get_runtime_model().get_ordered_ops():
        info = op.get_rt_info()
        if str(info["layerType"]) in ("Convolution", "GroupConvolution"):
            kind = "int8" if "8" in str(info["runtimePrecision"]) else str(info["runtimePrecision"])
            told["openvino"][kind] = told["openvino"].get(kind, 0) + 1
print(json.dumps(told))
