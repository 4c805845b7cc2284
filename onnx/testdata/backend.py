"""Writes ONNX's own tests of operators, one folder each: backend.py DIRECTORY

DIRECTORY/NAME holds model.onnx and, where there is one float input, input.bin and output.bin (float32) with
shape.txt, the input's dimensions. Whole networks of random weights, "light", lie beside them.
"""
import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
import onnx  # noqa: E402
from onnx import numpy_helper  # noqa: E402
from onnx.backend.test.loader import load_model_tests, load_node_model_tests  # noqa: E402

out = pathlib.Path(sys.argv[1])


def save(name, model, x, y):
    d = out / name
    d.mkdir(parents=True, exist_ok=True)
    (d / "model.onnx").write_bytes(model)
    if x is None or y is None or np.asarray(x).dtype != np.float32 or np.asarray(y).dtype != np.float32:
        return
    np.ascontiguousarray(x).tofile(d / "input.bin")
    np.ascontiguousarray(y).tofile(d / "output.bin")
    (d / "shape.txt").write_text(" ".join(map(str, np.asarray(x).shape)))


def tensor(path):
    t = onnx.TensorProto()
    t.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(t)


for case in load_node_model_tests():
    inputs, outputs = case.data_sets[0] if case.data_sets else ((), ())
    model = case.model
    given = {i.name: v for i, v in zip(model.graph.input, inputs) if isinstance(v, np.ndarray)}
    if len(given) == len(inputs) and len(inputs) > 1:  # all but the first become constants, as in a network
        for i in list(model.graph.input)[1:]:
            model.graph.initializer.append(numpy_helper.from_array(given[i.name], i.name))
        del model.graph.input[1:]
    first = inputs[0] if inputs and isinstance(inputs[0], np.ndarray) else None
    save(case.name, model.SerializeToString(), first, outputs[0] if outputs and isinstance(outputs[0], np.ndarray) else None)

data = pathlib.Path(onnx.backend.test.__file__).parent / "data"
for kind in ("pytorch-converted", "pytorch-operator", "simple"):
    for d in sorted((data / kind).iterdir()):
        sets = d / "test_data_set_0"
        files = [sets / "input_0.pb", sets / "output_0.pb"]
        try:
            x, y = map(tensor, files) if all(f.exists() for f in files) else (None, None)
        except Exception:
            x = y = None
        save(d.name, (d / "model.onnx").read_bytes(), x, y)
for f in sorted((data / "light").glob("*.onnx")):
    model = onnx.load(f)
    dims = [d.dim_value for d in next(i for i in model.graph.input if i.name not in {t.name for t in model.graph.initializer}).type.tensor_type.shape.dim]
    y = f.with_name(f.stem + "_output_0.pb")
    x = (np.arange(np.prod(dims)).reshape(dims) / np.prod(dims)).astype(np.float32)  # what ONNX's runner makes
    save(f.stem, f.read_bytes(), x, tensor(y) if y.exists() else None)
