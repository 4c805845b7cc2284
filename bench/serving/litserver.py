"""LitServe, whose requests are JSON: argv[1] is the ONNX file, argv[2] the port, argv[3] how many workers."""
import base64
import sys

import litserve as ls
from photo import OpenVINO


class Classify(ls.LitAPI):
    def setup(self, device):
        self.model = OpenVINO(sys.argv[1])

    def decode_request(self, request):
        return base64.b64decode(request['image'])

    def predict(self, file):
        return self.model(file)

    def encode_response(self, output):
        return output


if __name__ == '__main__':
    api = Classify()
    ls.LitServer(api, accelerator='cpu', workers_per_device=int(sys.argv[3]), timeout=30).run(port=int(sys.argv[2]), log_level='error', generate_client_file=False)
