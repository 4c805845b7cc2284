"""Checks ONNX files and prints their outputs: run.py INPUT.bin N C H W OUT.bin FILE…

The input is float32, N×C×H×W. For every file, ONNX Runtime's and OpenVINO's
outputs of the whole batch are appended to OUT.bin as float32; what else is
worth knowing is printed as JSON lines.
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

path, n, c, h, w, out = sys.argv[1], *map(int, sys.argv[2:6]), sys.argv[6]
x = np.fromfile(path, np.float32).reshape(n, c, h, w)
with open(out, "wb") as f:
    for name in sys.argv[7:]:
        onnx.checker.check_model(name, full_check=True)
        model = onnx.load(name)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(name, options, providers=["CPUExecutionProvider"])
        y = session.run(None, {session.get_inputs()[0].name: x})[0]
        y.astype(np.float32).tofile(f)
        kinds = {}
        for node in model.graph.node:
            kinds[node.op_type] = kinds.get(node.op_type, 0) + 1
        info = {"file": name, "shape": list(y.shape), "nodes": kinds}
        if ov is not None:
            core = ov.Core()
            compiled = core.compile_model(core.read_model(name), "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1})
            z = compiled([x])[0]
            info["openvino"] = float(np.abs(z - y).max() / np.abs(y).max())
        print(json.dumps(info), flush=True)
