"""MLServer's model: the photo comes as bytes of the protocol's binary extension."""
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
import numpy as np
from photo import OpenVINO


class Classify(MLModel):
    async def load(self):
        self.model = OpenVINO(self.settings.parameters.extra['path'])
        return True

    async def predict(self, payload):
        data = payload.inputs[0].data.root
        file = data[0] if isinstance(data, list) else data
        if isinstance(file, str):
            import base64
            file = base64.b64decode(file)
        answer = self.model(file)
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output('class', np.array([[answer['class']]], np.int64))])
