"""MLServer's model: the photo comes in base64."""
import base64

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse
from photo import OpenVINO


class Classify(MLModel):
    async def load(self):
        self.model = OpenVINO(self.settings.parameters.extra['path'])
        return True

    async def predict(self, payload):
        answer = self.model(base64.b64decode(payload.inputs[0].data.root[0]))
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output('class', np.array([[answer['class']]], np.int64))])
