"""Calls a server at the address argv[1] with Triton's own client: every function
of the extensions that mixnet lists. argv[3] is a picture file of one of the
model "fashion"'s classes, argv[4] the class it must be."""
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

client = http.InferenceServerClient(sys.argv[1])
assert client.is_server_live() and client.is_server_ready()
assert client.is_model_ready("fashion") and client.is_model_ready("fashion", "1")
assert not client.is_model_ready("nobody")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
meta, config = client.get_model_metadata("fashion"), client.get_model_config("fashion")
assert config["max_batch_size"] > 0 and config["input"][0]["format"] == "FORMAT_NCHW"
(tensor,) = meta["inputs"]
assert tensor["shape"][1:] == config["input"][0]["dims"]

shape = [2] + tensor["shape"][1:]
x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
results = []
for binary_in in (True, False):
    given = http.InferInput(tensor["name"], shape, tensor["datatype"])
    given.set_data_from_numpy(x, binary_data=binary_in)
    results.append(client.infer("fashion", [given]).as_numpy("logits"))
    for binary_out in (True, False):
        wish = http.InferRequestedOutput("logits", binary_data=binary_out)
        answer = client.infer("fashion", [given], outputs=[wish], request_id="7")
        assert answer.get_response()["id"] == "7"
        results.append(answer.as_numpy("logits"))
    for name in ("gzip", "deflate"):
        answer = client.infer("fashion", [given], request_compression_algorithm=name, response_compression_algorithm=name)
        results.append(answer.as_numpy("logits"))
for r in results:
    assert r.shape == (2, 10) and np.array_equal(r, results[0])

picture = http.InferInput("image", [1], "BYTES")
picture.set_data_from_numpy(np.array([open(sys.argv[3], "rb").read()], dtype=object))
wish = http.InferRequestedOutput("logits", class_count=3)
names = client.infer("fashion", [picture], outputs=[wish]).as_numpy("logits")
assert names.shape == (1, 3) and names[0][0].decode().split(":")[2] == sys.argv[4], names
assert client.async_infer("fashion", [picture]).get_result().as_numpy("logits").shape == (1, 10)

wrong = http.InferInput(tensor["name"], [1, 5], "FP32")
wrong.set_data_from_numpy(np.zeros((1, 5), np.float32))
try:
    client.infer("fashion", [wrong])
    raise AssertionError("no error")
except InferenceServerException as e:
    assert "shape" in e.message(), e

stats = client.get_inference_statistics("fashion")["model_stats"][0]
assert stats["inference_stats"]["success"]["count"] >= len(results) + 2, stats
assert stats["inference_count"] >= 2 * len(results) + 2 and stats["inference_stats"]["fail"]["count"] >= 1, stats
client.unload_model("fashion")
assert not client.is_model_ready("fashion")
assert client.get_model_repository_index()[0]["state"] == "UNAVAILABLE"
client.load_model("fashion")
assert client.is_model_ready("fashion") and client.get_model_repository_index()[0]["state"] == "READY"
print("done")
