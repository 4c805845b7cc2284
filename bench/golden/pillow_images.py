"""Makes vision/testdata/pillow: what Pillow and torchvision make of small images.

    python bench/golden/pillow_images.py [OUT]        OUT defaults to vision/testdata/pillow
    python bench/golden/pillow_images.py --photo FILE  also refreshes the photo source from FILE

Three groups, each listed in index.json:
  resize   source PNG, filter, size -> Image.resize(size, filter), antialiased as Pillow always does
  eval     source PNG, filter, resize, crop -> torchvision Resize(short side) + CenterCrop, as timm evaluates
  decode   an encoded file -> ImageOps.exif_transpose, then convert('RGB')
Outputs are stored as PNG, so a comparison can be exact.
"""
import argparse
import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageOps
from torchvision import transforms
from torchvision.transforms import InterpolationMode

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILTERS = {'bilinear': Image.Resampling.BILINEAR, 'bicubic': Image.Resampling.BICUBIC}


def save_png(img, path):
    img.save(path, optimize=True)


def gradient(w, h):
    """Smooth in red and green, a hard-edged disc and stripes in blue: shows ringing and half-pixel shifts."""
    y, x = np.mgrid[0:h, 0:w]
    disc = (((x - w / 3) ** 2 + (y - h / 2) ** 2) < (min(w, h) / 3) ** 2) * 255
    stripes = (x // 2 % 2) * 255
    blue = np.where(y < h * 0.75, disc, stripes)
    return Image.fromarray(np.stack([x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), blue], -1).astype(np.uint8))


def noise(w, h, channels, seed):
    shape = (h, w, channels) if channels > 1 else (h, w)
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))


def sources(out, photo):
    d = out / 'src'
    d.mkdir(exist_ok=True)
    save_png(gradient(37, 23), d / 'gradient_37x23.png')
    save_png(noise(31, 45, 3, 1), d / 'noise_31x45.png')
    save_png(noise(29, 18, 1, 2), d / 'grey_29x18.png')
    save_png(gradient(1, 9), d / 'column_1x9.png')
    if photo:
        save_png(Image.open(photo).convert('RGB').resize((150, 100), Image.Resampling.LANCZOS), d / 'photo_150x100.png')


def resize_cases(out):
    d = out / 'resize'
    d.mkdir(exist_ok=True)
    plan = {
        'gradient_37x23': [(37, 11), (16, 16), (10, 7), (74, 46), (53, 40), (1, 1), (37, 23), (3, 64)],
        'noise_31x45': [(15, 22), (31, 20), (9, 45), (44, 61), (7, 7), (1, 45)],
        'grey_29x18': [(14, 9), (40, 31), (5, 5)],
        'column_1x9': [(1, 4), (5, 3), (1, 20)],
        'photo_150x100': [(64, 64), (75, 50), (33, 71)],
    }
    cases = []
    for name, sizes in plan.items():
        src = Image.open(out / 'src' / f'{name}.png')
        for filt, code in FILTERS.items():
            for w, h in sizes:
                file = f'resize/{name}_to_{w}x{h}_{filt}.png'
                save_png(src.resize((w, h), code), out / file)
                cases.append(dict(src=f'src/{name}.png', filter=filt, width=w, height=h, out=file))
    return cases


def eval_cases(out):
    """Resize's other side is int(short * long / short_now); CenterCrop's corner is int(round((side - crop) / 2)), and round
    takes halves to the even neighbour. An image smaller than the crop is padded with black."""
    d = out / 'eval'
    d.mkdir(exist_ok=True)
    plan = [('photo_150x100', 256, 224, 'bicubic'), ('photo_150x100', 73, 64, 'bilinear'), ('photo_150x100', 73, 64, 'bicubic'),
            ('noise_31x45', 36, 32, 'bilinear'), ('noise_31x45', 37, 32, 'bicubic'), ('gradient_37x23', 27, 24, 'bicubic'),
            ('gradient_37x23', 28, 24, 'bilinear'), ('gradient_37x23', 20, 24, 'bilinear')]
    cases = []
    for name, size, crop, filt in plan:
        t = transforms.Compose([transforms.Resize(size, InterpolationMode(filt)), transforms.CenterCrop(crop)])
        file = f'eval/{name}_r{size}_c{crop}_{filt}.png'
        save_png(t(Image.open(out / 'src' / f'{name}.png').convert('RGB')), out / file)
        cases.append(dict(src=f'src/{name}.png', filter=filt, resize=size, crop=crop, out=file))
    return cases


def png16(arr):
    """A 16-bit PNG (grey, or RGB), which Pillow cannot write in every mode."""
    h, w = arr.shape[:2]
    colour = 0 if arr.ndim == 2 else 2
    rows = arr.astype('>u2').reshape(h, -1)
    raw = b''.join(b'\0' + r.tobytes() for r in rows)

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 16, colour, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(raw, 9)) + chunk(b'IEND', b''))


def encode(img, fmt, **kw):
    b = io.BytesIO()
    img.save(b, fmt, **kw)
    return b.getvalue()


def ycck(cmyk):
    """A JPEG whose first three planes are YCbCr of (C, M, Y) and whose Adobe marker says so (transform 2).

    Pillow writes four planes as they are, inverted; so the planes are computed here and the marker is patched."""
    c, m, y, k = cmyk.split()
    planes = Image.merge('RGB', (c, m, y)).convert('YCbCr').split()
    data = bytearray(encode(Image.merge('CMYK', (*[ImageOps.invert(p) for p in planes], k)), 'JPEG', quality=95))
    at = data.index(b'Adobe')
    assert data[at + 11] == 0
    data[at + 11] = 2
    return bytes(data)


def without_adobe(data):
    at = data.index(b'\xff\xee')
    return data[:at] + data[at + 2 + struct.unpack('>H', data[at + 2:at + 4])[0]:]


def orientation(n):
    e = Image.Exif()
    e[0x0112] = n
    return e


def decode_cases(out):
    d = out / 'decode'
    d.mkdir(exist_ok=True)
    pic = Image.open(out / 'src' / 'photo_150x100.png').resize((47, 30), Image.Resampling.LANCZOS)
    small = Image.open(out / 'src' / 'photo_150x100.png').resize((24, 17), Image.Resampling.LANCZOS)
    alpha = Image.fromarray((np.mgrid[0:30, 0:47][1] * 255 // 46).astype(np.uint8))
    rgba = pic.copy()
    rgba.putalpha(alpha)
    la = pic.convert('L')
    la.putalpha(alpha)
    palette = pic.quantize(31)
    cmyk = Image.merge('CMYK', (*[ImageOps.invert(p) for p in pic.split()], alpha.point(lambda v: v // 3)))
    wide = np.asarray(pic).astype(np.uint32) * 257
    wide = (wide + np.arange(wide.size).reshape(wide.shape) % 251).clip(0, 65535)
    files = {f'exif_{n}.jpg': encode(small, 'JPEG', quality=92, subsampling=0, exif=orientation(n)) for n in range(1, 9)}
    files |= {
        'exif_6.png': encode(small, 'PNG', exif=orientation(6)),
        'exif_8.webp': encode(small, 'WEBP', lossless=True, exif=orientation(8)),
        'yuv444.jpg': encode(pic, 'JPEG', quality=90, subsampling=0),
        'yuv422.jpg': encode(pic, 'JPEG', quality=90, subsampling=1),
        'yuv420.jpg': encode(pic, 'JPEG', quality=90, subsampling=2),
        'progressive.jpg': encode(pic, 'JPEG', quality=85, progressive=True),
        'restart.jpg': encode(pic, 'JPEG', quality=85, restart_marker_blocks=3),
        'rgb.jpg': encode(pic, 'JPEG', quality=92, keep_rgb=True),
        'grey.jpg': encode(pic.convert('L'), 'JPEG', quality=90),
        'cmyk.jpg': encode(cmyk, 'JPEG', quality=95),
        'cmyk_no_adobe.jpg': without_adobe(encode(cmyk, 'JPEG', quality=95)),
        'ycck.jpg': ycck(cmyk),
        'rgb.png': encode(pic, 'PNG', optimize=True),
        'rgba.png': encode(rgba, 'PNG', optimize=True),
        'la.png': encode(la, 'PNG', optimize=True),
        'l.png': encode(pic.convert('L'), 'PNG', optimize=True),
        'bilevel.png': encode(pic.convert('1'), 'PNG'),
        'palette.png': encode(palette, 'PNG', optimize=True),
        'palette_transparent.png': encode(palette, 'PNG', optimize=True, transparency=3),
        'rgb16.png': png16(wide),
        'grey16.png': png16(wide[..., 0]),
        'lossy.webp': encode(pic, 'WEBP', quality=80),
        'lossless.webp': encode(pic, 'WEBP', lossless=True),
        'lossy_alpha.webp': encode(rgba, 'WEBP', quality=80),
        'lossless_alpha.webp': encode(rgba, 'WEBP', lossless=True, exact=True),
        'static.gif': encode(palette, 'GIF'),
        'transparent.gif': encode(palette, 'GIF', transparency=3),
        'animated.gif': encode(palette, 'GIF', save_all=True, append_images=[palette.rotate(180)], loop=0),
        'rgb.bmp': encode(pic, 'BMP'),
        'palette.bmp': encode(palette, 'BMP'),
        'grey.bmp': encode(pic.convert('L'), 'BMP'),
        'rgba.bmp': encode(rgba, 'BMP'),
        'bilevel.bmp': encode(pic.convert('1'), 'BMP'),
    }
    cases = []
    for name, data in files.items():
        (d / name).write_bytes(data)
        img = Image.open(io.BytesIO(data))
        mode = img.mode
        rgb = ImageOps.exif_transpose(img).convert('RGB')
        if mode == 'I;16':  # Pillow clips 16-bit grey at 255; the high byte, as for 16-bit RGB, is what is meant
            rgb = Image.fromarray((wide[..., 0] >> 8).astype(np.uint8)).convert('RGB')
        ref = f'decode/{name}.ref.png'
        save_png(rgb, out / ref)
        cases.append(dict(file=f'decode/{name}', mode=mode, width=rgb.width, height=rgb.height, out=ref))
    return cases


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('out', nargs='?', type=pathlib.Path, default=ROOT / 'vision/testdata/pillow')
    p.add_argument('--photo', type=pathlib.Path)
    a = p.parse_args()
    a.out.mkdir(parents=True, exist_ok=True)
    for group in ('resize', 'eval', 'decode'):
        shutil.rmtree(a.out / group, ignore_errors=True)
    sources(a.out, a.photo)
    index = dict(pillow=PIL.__version__, resize=resize_cases(a.out), eval=eval_cases(a.out), decode=decode_cases(a.out))
    (a.out / 'index.json').write_text(json.dumps(index, indent=1) + '\n')


if __name__ == '__main__':
    main()
