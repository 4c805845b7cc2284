"""Makes vision/testdata/randaugment.json: checksums of every operation of torchvision's RandAugment on small images.

    python bench/golden/randaugment.py [OUT]

Each case is an image of vision/testdata/pillow/src, an operation, a strength between -1 and 1 (RandAugment's magnitude over 30,
negative where the operation's sign is drawn), and the CRC-32 of the result's bytes.
"""
import json
import pathlib
import sys
import zlib

import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode, autoaugment

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / 'vision/testdata/randaugment.json'
    cases = []
    for src in ['gradient_37x23', 'noise_31x45', 'grey_29x18', 'photo_150x100']:
        img = Image.open(ROOT / f'vision/testdata/pillow/src/{src}.png')
        space = autoaugment.RandAugment(num_magnitude_bins=31)._augmentation_space(31, (img.height, img.width))
        for name, (magnitudes, signed) in space.items():
            for m in (0, 3, 9, 14, 30):
                for sign in ((1, -1) if signed else (1,)):
                    value = float(magnitudes[m].item()) if magnitudes.ndim > 0 else 0.0
                    got = autoaugment._apply_op(img, name, sign * value, interpolation=InterpolationMode.NEAREST, fill=None)
                    cases.append(dict(src=f'src/{src}.png', op=name, m=sign * m, crc=zlib.crc32(got.tobytes())))
    rows = ',\n  '.join(json.dumps(c) for c in cases)
    out.write_text(f'{{\n "torchvision": "{torchvision.__version__}",\n "cases": [\n  {rows}\n ]\n}}\n')


if __name__ == '__main__':
    main()
