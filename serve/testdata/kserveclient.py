"""tritonaio.py with KServe's clients: REST at argv[1], gRPC at argv[2]."""
import asyncio
import base64
import sys

import numpy as np
from kserve import InferInput, InferenceGRPCClient, InferenceRESTClient, InferRequest, RESTConfig
from kserve.protocol.infer_type import InferOutput


def request(name, shape, datatype, data):
    i = InferInput(name=name, shape=shape, datatype=datatype)
    i.set_data_from_numpy(data, binary_data=False)
    return InferRequest(model_name="fashion", request_id="7", infer_inputs=[i])


async def main():
    url = "http://" + sys.argv[1]
    x = np.random.default_rng(0).standard_normal((2, 1, 28, 28)).astype(np.float32)
    rest = InferenceRESTClient(RESTConfig(protocol="v2"))
    assert await rest.is_server_live(url) and await rest.is_server_ready(url)
    assert await rest.is_model_ready(url, "fashion")
    answer = await rest.infer(url, request("input", [2, 1, 28, 28], "FP32", x), model_name="fashion")
    assert answer.id == "7" and answer.model_name == "fashion"
    want = answer.outputs[0].as_numpy()
    assert want.shape == (2, 10)
    binary = InferInput(name="input", shape=[2, 1, 28, 28], datatype="FP32")
    binary.set_data_from_numpy(x, binary_data=True)
    answer = await rest.infer(url, InferRequest(model_name="fashion", infer_inputs=[binary]), model_name="fashion")
    assert np.array_equal(answer.outputs[0].as_numpy(), want)
    await rest.close()

    client = InferenceGRPCClient(url=sys.argv[2])
    assert await client.is_server_live() and await client.is_server_ready() and await client.is_model_ready("fashion")
    answer = await client.infer(request("input", [2, 1, 28, 28], "FP32", x))
    assert np.array_equal(answer.outputs[0].as_numpy(), want)
    picture = InferInput(name="image", shape=[1], datatype="BYTES")
    picture.set_data_from_numpy(np.array([open(sys.argv[3], "rb").read()], dtype=object), binary_data=True)
    answer = await client.infer(InferRequest(model_name="fashion", infer_inputs=[picture]))
    assert answer.outputs[0].as_numpy().shape == (1, 10)
    await client.close()


asyncio.run(main())
print("done")
