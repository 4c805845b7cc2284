"""Calls servers with the asynchronous forms of Triton's client: over HTTP at the
address argv[1], over gRPC at argv[2]. argv[3] is a picture file of one of the
model "fashion"'s classes, argv[4] the class it must be."""
import asyncio
import sys

import numpy as np
import tritonclient.grpc.aio as grpc
import tritonclient.http.aio as http
from tritonclient.utils import InferenceServerException


async def use(kind, client):
    assert await client.is_server_live() and await client.is_server_ready()
    assert await client.is_model_ready("fashion") and not await client.is_model_ready("nobody")
    await client.get_server_metadata()
    await client.get_model_metadata("fashion")
    await client.get_model_config("fashion")
    picture = kind.InferInput("image", [1], "BYTES")
    picture.set_data_from_numpy(np.array([open(sys.argv[3], "rb").read()], dtype=object))
    wish = kind.InferRequestedOutput("logits", class_count=1)
    answers = await asyncio.gather(*(client.infer("fashion", [picture], outputs=[wish]) for _ in range(20)))
    for a in answers:
        assert a.as_numpy("logits")[0][0].decode().split(":")[2] == sys.argv[4]
    x = np.zeros((3, 1, 28, 28), np.float32)
    given = kind.InferInput("input", x.shape, "FP32")
    given.set_data_from_numpy(x)
    assert (await client.infer("fashion", [given])).as_numpy("logits").shape == (3, 10)
    try:
        await client.infer("nobody", [given])
        raise AssertionError("no error")
    except InferenceServerException as e:
        assert "nobody" in e.message(), e
    await client.get_inference_statistics("fashion")
    await client.get_model_repository_index()
    await client.unload_model("fashion")
    assert not await client.is_model_ready("fashion")
    await client.load_model("fashion")
    assert await client.is_model_ready("fashion")
    await client.close()


async def main():
    await use(http, http.InferenceServerClient(sys.argv[1]))
    await use(grpc, grpc.InferenceServerClient(sys.argv[2]))


asyncio.run(main())
print("done")
