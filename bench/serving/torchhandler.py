"""TorchServe's handler: the body is the photo."""
import torch
from photo import prepare
from ts.torch_handler.base_handler import BaseHandler


class Classify(BaseHandler):
    def initialize(self, context):
        torch.set_num_threads(1)
        self.model = torch.jit.load(context.system_properties['model_dir'] + '/' + context.manifest['model']['serializedFile'])
        self.model.eval()
        self.initialized = True

    def handle(self, data, context):
        with torch.inference_mode():
            x = torch.cat([torch.from_numpy(prepare(bytes(d.get('body') or d.get('data')))) for d in data])
            return [{'class': int(row.argmax()), 'logit': float(row.max())} for row in self.model(x)]
