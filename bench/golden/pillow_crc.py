"""Makes vision/testdata/crc: checksums of what Pillow makes of many small images, where storing the images would take too much.

    python bench/golden/pillow_crc.py [OUT]        needs cjpeg of libjpeg-turbo for sampling factors Pillow cannot write

  jpeg    JPEG files of every sampling, coding and odd size -> CRC-32 of convert('RGB').tobytes(), and of convert('L')'s
  resize  vision/testdata/pillow/src, crop box, filter, size -> CRC-32 of crop(box).resize(size, filter).tobytes()
"""
import io
import json
import pathlib
import random
import shutil
import subprocess
import sys
import zlib

import numpy as np
import PIL
from PIL import Image, features

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTERS = ['nearest', 'box', 'bilinear', 'bicubic', 'lanczos']
SAMPLINGS = ['1x1', '2x1', '1x2', '2x2', '4x1', '1x4', '4x2', '2x4', '2x2,1x2,1x2', '2x2,2x1,2x1', '1x1,2x2,2x2', '3x1', '2x2,1x1,2x2',
             '1x1,1x2,2x1']


def crc(img):
    return zlib.crc32(img.tobytes())


def jpeg_cases(out):
    rnd, rng, cases = random.Random(3), np.random.default_rng(3), []
    for i in range(84):
        w, h = rnd.randint(1, 44), rnd.randint(1, 44)
        coarse = rng.integers(0, 256, (max(1, h // 3), max(1, w // 3), 3), dtype=np.uint8)
        ppm = io.BytesIO()
        Image.fromarray(coarse).resize((w, h), Image.Resampling.BICUBIC).save(ppm, 'PPM')
        args = ['cjpeg', '-quality', rnd.choice(['10', '60', '90', '100']), '-sample', SAMPLINGS[i % len(SAMPLINGS)]]
        kind = i // len(SAMPLINGS)
        if kind in (1, 2):
            args += ['-progressive']
        if kind in (2, 3):
            args += ['-restart', f'{rnd.randint(1, 7)}B']
        if kind == 4:
            (out / 'scans.txt').write_text('0;\n1;\n2;\n')
            args += ['-scans', str(out / 'scans.txt')]
        if kind == 5:
            args += ['-grayscale', '-optimize']
        data = subprocess.run(args, input=ppm.getvalue(), capture_output=True, check=True).stdout
        name = f'{i:02}.jpg'
        (out / name).write_bytes(data)
        img = Image.open(io.BytesIO(data))
        grey = img.convert('L')
        img = img.convert('RGB')
        cases.append(dict(file=name, how=' '.join(args[1:5]), width=img.width, height=img.height, crc=crc(img), grey=crc(grey)))
    (out / 'scans.txt').unlink()
    return cases


def resize_cases():
    rnd, cases = random.Random(5), []
    for src in ['gradient_37x23', 'noise_31x45', 'grey_29x18', 'photo_150x100']:
        img = Image.open(ROOT / f'vision/testdata/pillow/src/{src}.png')
        for filt in FILTERS:
            for _ in range(24):
                x, y = rnd.randrange(img.width), rnd.randrange(img.height)
                box = (x, y, rnd.randint(x + 1, img.width), rnd.randint(y + 1, img.height))
                if rnd.random() < 0.4:
                    box = (0, 0, img.width, img.height)
                size = (rnd.choice([1, 2, 5, 16, 31, 64, box[2] - box[0]]), rnd.choice([1, 3, 7, 16, 45, 80, box[3] - box[1]]))
                got = img.crop(box).resize(size, Image.Resampling[filt.upper()])
                cases.append(dict(src=f'src/{src}.png', box=box, filter=filt, width=size[0], height=size[1], crc=crc(got)))
    return cases


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / 'vision/testdata/crc'
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    index = dict(pillow=PIL.__version__, libjpeg_turbo=features.version('libjpeg_turbo'), jpeg=jpeg_cases(out), resize=resize_cases())
    rows = ',\n'.join(f' "{k}": [\n  ' + ',\n  '.join(json.dumps(c) for c in v) + '\n ]' if isinstance(v, list) else f' "{k}": {json.dumps(v)}'
                      for k, v in index.items())
    (out / 'index.json').write_text('{\n' + rows + '\n}\n')


if __name__ == '__main__':
    main()
