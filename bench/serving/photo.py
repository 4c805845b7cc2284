"""How the peers make a photo the network's input, and run OpenVINO."""
import io

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def prepare(file, size=224, scale=256):
    """The middle of a photo that is scaled to 256, 1 × 3 × 224 × 224."""
    img = Image.open(io.BytesIO(file))
    img.draft('RGB', (scale, scale))  # decodes no more of a JPEG than is needed
    img = img.convert('RGB')
    w, h = img.size
    ratio = scale / min(w, h)
    w, h = round(w * ratio), round(h * ratio)
    img = img.resize((w, h), Image.BICUBIC)
    x, y = (w - size) // 2, (h - size) // 2
    a = np.asarray(img.crop((x, y, x + size, y + size)), np.float32) / 255
    return np.ascontiguousarray(((a - MEAN) / STD).transpose(2, 0, 1)[None])


class OpenVINO:
    """One thread of a model: the servers run a process for each core. Pinned, all of them would share the first."""

    def __init__(self, path):
        import openvino as ov
        self.request = ov.Core().compile_model(path, 'CPU', {
            'INFERENCE_NUM_THREADS': 1, 'NUM_STREAMS': 1, 'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_PRECISION_HINT': 'f32',
            'ENABLE_CPU_PINNING': False,
        }).create_infer_request()

    def __call__(self, file):
        logits = self.request.infer({0: prepare(file)})[0][0]
        best = int(logits.argmax())
        return {'class': best, 'logit': float(logits[best])}
