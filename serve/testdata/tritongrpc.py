"""triton.py over gRPC, at the address argv[2]."""
import sys

import numpy as np
import tritonclient.grpc as grpc
from tritonclient.utils import InferenceServerException

client = grpc.InferenceServerClient(sys.argv[2])
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("fashion") and client.is_model_ready("fashion", "1")
assert not client.is_model_ready("nobody")
assert "binary_tensor_data" in client.get_server_metadata().extensions
meta, config = client.get_model_metadata("fashion"), client.get_model_config("fashion").config
assert config.max_batch_size > 0 and config.input[0].format == 2 and config.input[0].data_type == 11
(tensor,) = meta.inputs
assert list(tensor.shape) == [-1] + list(config.input[0].dims) and list(meta.outputs[0].shape) == [-1, 10]

shape = [2] + list(tensor.shape)[1:]
x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
given = grpc.InferInput(tensor.name, shape, tensor.datatype)
given.set_data_from_numpy(x)
answer = client.infer("fashion", [given], request_id="7", timeout=60_000_000)
assert answer.get_response().id == "7" and answer.as_numpy("logits").shape == (2, 10)
# The tensor in fields of its type, as KServe's clients send it.
from tritonclient.grpc import service_pb2

request = service_pb2.ModelInferRequest(model_name="fashion")
typed = request.inputs.add(name="input", datatype="FP32", shape=shape)
typed.contents.fp32_contents.extend(x.ravel().tolist())
got = client._client_stub.ModelInfer(request)
assert np.array_equal(np.array(got.outputs[0].contents.fp32_contents, np.float32), answer.as_numpy("logits").ravel())

picture = grpc.InferInput("image", [1], "BYTES")
picture.set_data_from_numpy(np.array([open(sys.argv[3], "rb").read()], dtype=object))
wish = grpc.InferRequestedOutput("logits", class_count=3)
names = client.infer("fashion", [picture], outputs=[wish]).as_numpy("logits")
assert names.shape == (1, 3) and names[0][0].decode().split(":")[2] == sys.argv[4], names

wrong = grpc.InferInput(tensor.name, [1, 5], "FP32")
wrong.set_data_from_numpy(np.zeros((1, 5), np.float32))
for model, inputs, code in (("fashion", [wrong], "INVALID_ARGUMENT"), ("nobody", [given], "NOT_FOUND")):
    try:
        client.infer(model, inputs)
        raise AssertionError("no error")
    except InferenceServerException as e:
        assert code in e.status(), e
try:
    client.get_trace_settings()
    raise AssertionError("no error")
except InferenceServerException as e:
    assert "UNIMPLEMENTED" in e.status(), e

# A stream of requests, a wrong one among them.
import queue

answers = queue.Queue()
client.start_stream(callback=lambda result, error: answers.put((result, error)))
for inputs in ([given], [wrong], [given]):
    client.async_stream_infer("fashion", inputs, request_id="8")
got = [answers.get(timeout=60) for _ in range(3)]
client.stop_stream()
assert got[0][1] is None and got[2][0].get_response().id == "8" and "shape" in got[1][1].message(), got
assert np.array_equal(got[2][0].as_numpy("logits"), answer.as_numpy("logits"))

stats = client.get_inference_statistics("fashion").model_stats[0]
assert stats.inference_count >= 5 and stats.inference_stats.success.count >= 3 and stats.inference_stats.fail.count >= 1, stats
client.unload_model("fashion")
assert not client.is_model_ready("fashion")
assert client.get_model_repository_index().models[0].state == "UNAVAILABLE"
client.load_model("fashion")
assert client.is_model_ready("fashion") and client.get_model_repository_index().models[0].state == "READY"
print("done")
