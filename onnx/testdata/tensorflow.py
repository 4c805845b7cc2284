"""Writes tensorflow.onnx, a small network in the form that tf2onnx gives TensorFlow's, and tensorflow.json, what ONNX Runtime
computes: images N×H×W×C, zeros put round them by nodes of their own, single pixels transposed back; with a maximum and a
mean of what lies inside, and a shift, as PyTorch writes those of NASNet and DARTS.

    python tensorflow.py

Value i of the input is (37·i mod 101)/101 − 0.5.
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
rng = np.random.default_rng(1)
nodes, constants = [], []


def const(value, dtype=np.float32):
    name = f'k{len(constants)}'
    constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
    return name


def weights(*shape):
    return const(rng.standard_normal(shape) / np.sqrt(max(1, np.prod(shape[1:]))))


def node(op, *inputs, **attributes):
    nodes.append(helper.make_node(op, inputs, [f'{op}_{len(nodes)}'], name=f'{op}_{len(nodes)}', **attributes))
    return nodes[-1].output[0]


def below_right(x):
    return node('Pad', x, const([0, 0, 0, 0, 0, 0, 1, 1], np.int64))


x = node('Transpose', 'image', perm=[0, 3, 1, 2])
x = node('Conv', below_right(x), weights(8, 3, 3, 3), weights(8), strides=[2, 2], pads=[0, 0, 0, 0])
x = node('Clip', x, const(0), const(6))
x = node('Conv', x, weights(8, 1, 3, 3), group=8, pads=[1, 1, 1, 1])
x = node('BatchNormalization', x, *(const(abs(rng.standard_normal(8)) + .5) for _ in range(4)))
x = node('Relu', x)
x = node('Conv', below_right(x), weights(16, 8, 3, 3), strides=[2, 2])
everywhere = [0, 0, 1, 1, 0, 0, 1, 1]
x = node('MaxPool', node('Pad', x, const(everywhere, np.int64), const(-np.inf)), kernel_shape=[3, 3])
inside = np.pad(np.ones((4, 6)), 1)
inside = sum(inside[i:i + 4, j:j + 6] for i in range(3) for j in range(3)) / 9
x = node('Div', node('AveragePool', node('Pad', x, const(everywhere, np.int64)), kernel_shape=[3, 3]), const(inside[None, None]))
x = node('Slice', below_right(x), const([1, 1], np.int64), const([9, 9], np.int64), const([2, 3], np.int64))
x = node('ReduceMean', x, axes=[2, 3], keepdims=1)
x = node('Transpose', x, perm=[0, 2, 3, 1])
x = node('Squeeze', x, const([1, 2], np.int64))
x = node('Add', node('MatMul', x, weights(16, 5)), weights(5))
graph = helper.make_graph(nodes, 'tf', [helper.make_tensor_value_info('image', TensorProto.FLOAT, ['n', 16, 24, 3])],
                          [helper.make_tensor_value_info(x, TensorProto.FLOAT, ['n', 5])], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8, producer_name='tf2onnx')
onnx.checker.check_model(model, full_check=True)
onnx.save(model, str(HERE / 'tensorflow.onnx'))
shape = (2, 16, 24, 3)
image = ((37 * np.arange(np.prod(shape)) % 101) / 101 - .5).astype(np.float32).reshape(shape)
logits = ort.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider']).run(None, {'image': image})[0]
(HERE / 'tensorflow.json').write_text(json.dumps([float(v) for v in logits.ravel()]) + '\n')
