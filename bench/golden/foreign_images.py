"""Writes picture files of the kinds that other programs make, well formed and
not, and what Pillow makes of them, to vision/testdata/foreign.

    python bench/golden/foreign_images.py vision/testdata/foreign
"""

import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps, __version__

W, H = 27, 21
rng = np.random.default_rng(1)


def photo(w=W, h=H):
    """A smooth picture with some noise, as 8-bit RGB."""
    y, x = np.mgrid[0:h, 0:w].astype(float)
    rgb = np.stack([128 + 100 * np.sin(x / 6 + c) * np.cos(y / 5 - c) for c in range(3)], -1)
    return np.clip(rgb + rng.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)


PHOTO = photo()
INDEX = (PHOTO[..., 0] // 16).astype(np.uint8)  # 0 to 15
COLORS = rng.integers(0, 256, (256, 3)).astype(np.uint8)

files = {}

# PNG


def chunk(kind, data=b"", crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def pack(row, depth):
    """Packs a row of samples."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = np.unpackbits(row.astype(np.uint8)[:, None], axis=1)[:, 8 - depth:]
    return np.packbits(bits.reshape(-1)).tobytes()


def filtered(raw, prev, kind, step):
    out = bytearray()
    for i, v in enumerate(raw):
        a = raw[i - step] if i >= step else 0
        b = prev[i]
        c = prev[i - step] if i >= step else 0
        p = a + b - c
        paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        out.append((v - [0, a, b, (a + b) // 2, paeth][kind]) & 255)
    return bytes(out)


def scanlines(pixels, depth):
    """The filtered rows of an h×w×samples array, a filter after the other."""
    step = max(1, depth * pixels.shape[2] // 8)
    out, prev = b"", None
    for y, row in enumerate(pixels):
        raw = pack(row.reshape(-1), depth)
        prev = prev or bytes(len(raw))
        out += bytes([y % 5]) + filtered(raw, prev, y % 5, step)
        prev = raw
    return out


PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
MAGIC = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def png_parts(pixels, kind, depth, interlaced):
    h, w = pixels.shape[:2]
    pixels = pixels.reshape(h, w, -1)
    if interlaced:
        raw = b"".join(scanlines(pixels[y::dy, x::dx], depth) for x, y, dx, dy in PASSES if x < w and y < h)
    else:
        raw = scanlines(pixels, depth)
    return struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlaced), raw


def png(pixels, kind, depth, interlaced=0, before=b"", between=b"", end=chunk(b"IEND"), more=b"", adler=4, cut=None, parts=1):
    ihdr, raw = png_parts(pixels, kind, depth, interlaced)
    z = zlib.compress(raw + more)
    z = z[:len(z) - 4 + adler]
    n = -(-len(z) // parts)
    idat = between.join(chunk(b"IDAT", z[i:i + n]) for i in range(0, len(z), n))
    if cut:
        idat = idat[:cut]
    return MAGIC + chunk(b"IHDR", ihdr) + before + idat + end


def samples(kind, depth):
    high = 1 << depth
    if kind == 3:
        return INDEX % min(high, 16)
    full = rng.integers(0, high, (H, W, SAMPLES[kind]))
    smooth = PHOTO[..., :1].astype(int) * (high - 1) // 255
    return (full // 8 + smooth * 7 // 8).astype(np.uint16)


PLTE = chunk(b"PLTE", COLORS.tobytes())
for kind, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
    for depth in depths:
        for interlaced in (0, 1):
            if kind == 0 and depth == 16:
                continue  # Pillow clips them
            plte = chunk(b"PLTE", COLORS[:1 << depth].tobytes()) if kind == 3 else b""
            files[f"png-{kind}-{depth}{'-interlaced' if interlaced else ''}.png"] = png(
                samples(kind, depth), kind, depth, interlaced, before=plte)
for w, h in ((1, 1), (3, 2), (5, 9), (2, 5)):
    files[f"png-interlaced-{w}x{h}.png"] = png(photo(w, h), 2, 8, 1)

RGB = (PHOTO, 2, 8)
files["png-more-data.png"] = png(*RGB, more=bytes(1000))
files["png-more-data-interlaced.png"] = png(*RGB, interlaced=1, more=bytes(1000))
files["png-no-adler.png"] = png(*RGB, adler=0)
files["png-half-adler.png"] = png(*RGB, adler=2)
files["png-no-end.png"] = png(*RGB, end=b"")
files["png-no-end-no-adler.png"] = png(*RGB, end=b"", adler=0)
files["png-many-idat.png"] = png(*RGB, parts=20)
files["png-empty-idat.png"] = png(*RGB, before=chunk(b"IDAT"), parts=3, between=chunk(b"IDAT"))
files["png-junk-after-end.png"] = png(*RGB) + b"junk" * 9
files["png-text-after.png"] = png(*RGB, end=chunk(b"tEXt", b"a\0b") + chunk(b"IEND"))
files["png-trns-rgb.png"] = png(*RGB, before=chunk(b"tRNS", bytes(6)))
files["png-palette-for-rgb.png"] = png(*RGB, before=PLTE)
P = (INDEX, 3, 8)
TRNS = chunk(b"tRNS", bytes(range(9)))
files["png-trns-before-plte.png"] = png(*P, before=TRNS + PLTE)
files["png-two-plte.png"] = png(*P, before=chunk(b"PLTE", COLORS[100:200].tobytes()) + PLTE)
files["png-short-plte.png"] = png(*P, before=chunk(b"PLTE", COLORS[:5].tobytes()))
files["png-short-plte-4.png"] = png(INDEX, 3, 4, before=chunk(b"PLTE", COLORS[:5].tobytes()))
files["png-chrm-after-plte.png"] = png(*P, before=PLTE + chunk(b"gAMA", struct.pack(">I", 45455)))
files["png-two-trns.png"] = png(*P, before=TRNS + PLTE + TRNS)
files["png-plte-cut-color.png"] = png(*P, before=chunk(b"PLTE", COLORS.tobytes()[:-1]))
exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
files["png-exif.png"] = png(*RGB, before=chunk(b"eXIf", exif))
fctl = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, W, H, 0, 0, 1, 10, 0, 0))
fctl1 = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, W, H, 0, 0, 1, 10, 0, 0))
second = chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(png_parts(255 - PHOTO, 2, 8, 0)[1]))
files["png-animated.png"] = png(*RGB, before=chunk(b"acTL", struct.pack(">II", 2, 0)) + fctl, end=fctl1 + second + chunk(b"IEND"))

IHDR, RAW = png_parts(*RGB, 0)
Z = zlib.compress(RAW)
END = chunk(b"IEND")
HEAD = MAGIC + chunk(b"IHDR", IHDR)
files["png-text-first.png"] = MAGIC + chunk(b"tEXt", b"a\0b") + chunk(b"IHDR", IHDR) + chunk(b"IDAT", Z) + END
files["png-bad-idat-crc.png"] = HEAD + chunk(b"IDAT", Z, crc=1) + END
files["png-bad-idat-crcs.png"] = HEAD + chunk(b"IDAT", Z[:50], crc=1) + chunk(b"IDAT", Z[50:], crc=2) + END
files["png-bad-end-crc.png"] = HEAD + chunk(b"IDAT", Z) + chunk(b"IEND", crc=1)
files["png-cut-in-crc.png"] = (HEAD + chunk(b"IDAT", Z))[:-2]
files["png-cut-in-adler.png"] = (HEAD + chunk(b"IDAT", Z))[:-6]
files["png-long-header.png"] = MAGIC + chunk(b"IHDR", IHDR + bytes(2)) + chunk(b"IDAT", Z) + END
files["png-two-headers.png"] = HEAD + chunk(b"IHDR", IHDR) + chunk(b"IDAT", Z) + END
files["png-unknown-critical.png"] = HEAD + chunk(b"JUNK", b"abc") + chunk(b"IDAT", Z) + END
files["png-small-window.png"] = HEAD + chunk(b"IDAT", b"\x18\x19" + Z[2:]) + END
files["png-compression-method.png"] = MAGIC + chunk(b"IHDR", IHDR[:10] + b"\1" + IHDR[11:]) + chunk(b"IDAT", Z) + END

# BMP


def bmp(info, data, palette=b"", offset=None):
    head = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", head + len(data), 0, 0, head if offset is None else offset) + info + palette + data


def info(bits, compression=0, h=H, w=W, colors=0, size=40, tail=b""):
    b = struct.pack("<IiiHHIIiiII", size, w, h, 1, bits, compression, 0, 0, 0, colors, 0)
    return (b + tail).ljust(size, b"\0")


def lines(rows, order=-1):
    return b"".join(r + bytes(-len(r) % 4) for r in rows[::order])


def words(fields, bits):
    """Rows of pixels with the given (mask, 8-bit plane) fields."""
    v = np.zeros((H, W), np.uint64)
    for mask, plane in fields:
        shift = (mask & -mask).bit_length() - 1
        top = mask >> shift
        v |= (plane.astype(np.uint64) * np.uint64(top) // np.uint64(255)) << np.uint64(shift)
    n = bits // 8
    return [b"".join(int(p).to_bytes(n, "little") for p in row) for row in v]


R, G, B = (PHOTO[..., i] for i in range(3))
A = rng.integers(0, 256, (H, W)).astype(np.uint8)
QUADS = b"".join(bytes([*c[::-1], 0]) for c in COLORS)
TRIPLES = b"".join(bytes(c[::-1]) for c in COLORS)
bgr = [row[:, ::-1].tobytes() for row in PHOTO]
for bits in (1, 4, 8):
    n = 1 << bits
    rows = [pack(r % min(n, 16), bits) for r in INDEX]
    files[f"bmp-{bits}.bmp"] = bmp(info(bits), lines(rows), QUADS[:4 * n])
    files[f"bmp-{bits}-topdown.bmp"] = bmp(info(bits, h=-H), lines(rows, 1), QUADS[:4 * n])
    files[f"bmp-{bits}-os2.bmp"] = bmp(struct.pack("<IHHHH", 12, W, H, 1, bits), lines(rows), TRIPLES[:3 * n])
    files[f"bmp-{bits}-gray.bmp"] = bmp(info(bits), lines(rows), b"".join(bytes([i * 255 // (n - 1)] * 3 + [0]) for i in range(n)))
    files[f"bmp-{bits}-wrong-offset.bmp"] = bmp(info(bits), lines(rows), QUADS[:4 * n], offset=54)
files["bmp-8-few-colors.bmp"] = bmp(info(8, colors=16), lines([pack(r, 8) for r in INDEX]), QUADS[:64])
files["bmp-8-fewer-colors.bmp"] = bmp(info(8, colors=9), lines([pack(r, 8) for r in INDEX]), QUADS[:36])
files["bmp-24.bmp"] = bmp(info(24), lines(bgr))
files["bmp-24-topdown.bmp"] = bmp(info(24, h=-H), lines(bgr, 1))
files["bmp-24-os2.bmp"] = bmp(struct.pack("<IHHHH", 12, W, H, 1, 24), lines(bgr))
files["bmp-24-os2-v2.bmp"] = bmp(info(24, size=64), lines(bgr))
files["bmp-24-no-offset.bmp"] = bmp(info(24), lines(bgr), offset=0)
files["bmp-8-no-offset.bmp"] = bmp(info(8), lines([pack(r, 8) for r in INDEX]), QUADS, offset=0)
files["bmp-24-no-padding.bmp"] = bmp(info(24), lines(bgr))[:-3]
files["bmp-24-gap.bmp"] = bmp(info(24), bytes(50) + lines(bgr), offset=104)
M565, M555 = (0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)
files["bmp-16.bmp"] = bmp(info(16), lines(words(zip(M555, (R, G, B)), 16)))
for name, masks in {"565": M565, "555": M555}.items():
    m = struct.pack("<III", *masks)
    files[f"bmp-16-{name}.bmp"] = bmp(info(16, 3), lines(words(zip(masks, (R, G, B)), 16)), m)
    files[f"bmp-16-{name}-v3.bmp"] = bmp(info(16, 3, size=56, tail=m), lines(words(zip(masks, (R, G, B)), 16)))
files["bmp-32.bmp"] = bmp(info(32), lines(words(zip((0xFF0000, 0xFF00, 0xFF, 0xFF000000), (R, G, B, A)), 32)))
for name, masks in {
    "bgrx": (0xFF0000, 0xFF00, 0xFF, 0), "xbgr": (0xFF000000, 0xFF0000, 0xFF00, 0), "bgxr": (0xFF000000, 0xFF00, 0xFF, 0),
    "abgr": (0xFF000000, 0xFF0000, 0xFF00, 0xFF), "rgba": (0xFF, 0xFF00, 0xFF0000, 0xFF000000), "bgra": (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
}.items():
    rows = lines(words([f for f in zip(masks, (R, G, B, A)) if f[0]], 32))
    for size in (108, 124):
        files[f"bmp-32-{name}-{size}.bmp"] = bmp(info(32, 3, size=size, tail=struct.pack("<IIII", *masks)), rows)
    if not masks[3]:
        files[f"bmp-32-{name}-40.bmp"] = bmp(info(32, 3), rows, struct.pack("<III", *masks[:3]))


def rle(nibbles, literal, end=b"\0\1", lines_end=True):
    out = b""
    for row in INDEX[::-1]:
        x = 0
        while x < W:
            n = 1
            while x + n < W and row[x + n] == row[x] and n < 255:
                n += 1
            if n < 3 and literal and W - x >= 5:
                n = min(W - x, 11)
                v = [int(i) for i in row[x:x + n]]
                if nibbles:
                    v += [0] * (n % 2)
                    v = [a << 4 | b for a, b in zip(v[::2], v[1::2])]
                out += bytes([0, n]) + bytes(v) + bytes(len(v) % 2)
            else:
                out += bytes([n, int(row[x]) * (17 if nibbles else 1)])
            x += n
        out += b"\0\0" if lines_end else b""
    return out + end


for literal in (0, 1):
    files[f"bmp-rle8-{literal}.bmp"] = bmp(info(8, 1), rle(False, literal), QUADS)
    files[f"bmp-rle4-{literal}.bmp"] = bmp(info(4, 2), rle(True, literal), QUADS[:64])
files["bmp-rle8-no-end.bmp"] = bmp(info(8, 1), rle(False, 0, end=b""), QUADS)
files["bmp-rle8-delta.bmp"] = bmp(info(8, 1), b"\x05\x07\0\2\x03\x02" + b"\x09\x03\0\0" + b"".join(bytes([W, 4, 0, 0]) for _ in range(H - 3)) + b"\0\1", QUADS)
files["bmp-rle8-too-long.bmp"] = bmp(info(8, 1), b"".join(b"\xff" + bytes([i % 16]) + b"\0\0" for i in range(H)) + b"\0\1", QUADS)
files["bmp-rle8-topdown.bmp"] = bmp(info(8, 1, h=-H), rle(False, 1), QUADS)
files["bmp-rle8-no-offset.bmp"] = bmp(info(8, 1), rle(False, 1), QUADS, offset=0)
files["bmp-rle8-line-first.bmp"] = bmp(info(8, 1), b"\0\0" + rle(False, 1), QUADS)
files["bmp-rle8-delta-to-end.bmp"] = bmp(info(8, 1), b"\0\2\xff\xff\0\1", QUADS)
files["bmp-rle8-delta-over-line.bmp"] = bmp(info(8, 1), b"\0\2\x1a\x01\x05\x03\0\0" + rle(False, 0), QUADS)
files["bmp-rle8-literal-over-line.bmp"] = bmp(info(8, 1), b"\0\x28" + bytes(range(40)) + b"\0\0" + rle(False, 0), QUADS)
files["bmp-rle4-odd.bmp"] = bmp(info(4, 2), b"".join(b"\x0b\x12\x1a" + bytes([i * 7 % 256]) + b"\0\0" for i in range(H)) + b"\0\1", QUADS[:64])

# PNM

files["pnm-p6.ppm"] = b"P6\n# a comment\n%d %d\n255\n" % (W, H) + PHOTO.tobytes()
files["pnm-p5.pgm"] = b"P5 %d\t%d 255 " % (W, H) + R.tobytes()
files["pnm-p4.pbm"] = b"P4\n%d %d\n" % (W, H) + b"".join(pack(r & 1, 1) for r in INDEX)
files["pnm-p3.ppm"] = b"P3 %d %d 255\n" % (W, H) + b"\n".join(b" ".join(b"%d" % v for v in row.reshape(-1)) for row in PHOTO) + b"\n"
files["pnm-p2.pgm"] = b"P2\n%d %d # size\n15\n" % (W, H) + b"\n".join(b"  ".join(b"%d" % v for v in row) for row in INDEX) + b"\n"
files["pnm-p1.pbm"] = b"P1\n%d %d\n" % (W, H) + b"\n".join(b"".join(b"%d" % (v & 1) for v in row) for row in INDEX) + b"\n"
files["pnm-p1-spaces.pbm"] = b"P1\n%d %d\n" % (W, H) + b"\n# comment\n".join(b" ".join(b"%d" % (v & 1) for v in row) for row in INDEX) + b"\n"
files["pnm-p6-maxval-100.ppm"] = b"P6\n%d %d\n100\n" % (W, H) + (PHOTO // 3).tobytes()
files["pnm-p5-maxval-15.pgm"] = b"P5\n%d %d\n15\n" % (W, H) + INDEX.tobytes()
wide = PHOTO.astype(np.uint16) * 257
files["pnm-p6-maxval-65535.ppm"] = b"P6\n%d %d\n65535\n" % (W, H) + wide.astype(">u2").tobytes()
files["pnm-p6-maxval-1000.ppm"] = b"P6\n%d %d\n1000\n" % (W, H) + (PHOTO.astype(np.uint16) * 3).astype(">u2").tobytes()
files["pnm-p3-maxval-1000.ppm"] = b"P3\n%d %d\n1000\n" % (W, H) + b" ".join(b"%d" % (int(v) * 3) for v in PHOTO.reshape(-1))

# TIFF, WebP and JPEG, which Pillow writes


def saved(im, kind, **options):
    f = io.BytesIO()
    im.save(f, kind, **options)
    return f.getvalue()


IM = Image.fromarray(PHOTO)
PALETTE = IM.quantize(40)
for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits"):
    for name, im in {"rgb": IM, "gray": IM.convert("L"), "palette": PALETTE, "rgba": Image.fromarray(np.dstack([PHOTO, A]))}.items():
        if c == "raw" or name == "rgb":
            files[f"tiff-{name}-{c}.tif"] = saved(im, "TIFF", compression=c)
files["tiff-bilevel.tif"] = saved(IM.convert("1"), "TIFF")
files["tiff-group4.tif"] = saved(IM.convert("1"), "TIFF", compression="group4")
files["tiff-group3.tif"] = saved(IM.convert("1"), "TIFF", compression="group3")
files["tiff-group4-white-is-zero.tif"] = saved(IM.convert("1"), "TIFF", compression="group4", tiffinfo={262: 0})
files["tiff-bilevel-white-is-zero.tif"] = saved(IM.convert("1"), "TIFF", tiffinfo={262: 0})
files["tiff-strips.tif"] = saved(IM, "TIFF", compression="tiff_lzw", strip_size=500)
files["tiff-predictor.tif"] = saved(IM, "TIFF", compression="tiff_lzw", tiffinfo={317: 2})
files["tiff-turned.tif"] = saved(IM, "TIFF", tiffinfo={274: 6})
tags = [(256, 3, W), (257, 3, H), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, H), (279, 4, W * H)]
directory = struct.pack(">H", len(tags)) + b"".join(
    struct.pack(">HHI", t, k, 1) + (struct.pack(">HH", v, 0) if k == 3 else struct.pack(">I", v)) for t, k, v in tags) + bytes(4)
files["tiff-big-endian.tif"] = b"MM\0*" + struct.pack(">I", 8 + W * H) + R.tobytes() + directory
files["tiff-pages.tif"] = saved(IM, "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))])

noise = Image.fromarray(np.dstack([photo(), A]))


def riff(*chunks):
    body = b"WEBP" + b"".join(k + struct.pack("<I", len(d)) + d + bytes(len(d) % 2) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_chunks(im, **options):
    b = saved(im, "WEBP", **options)[12:]
    out = []
    while b:
        n = struct.unpack("<I", b[4:8])[0]
        out.append((b[:4], b[8:8 + n]))
        b = b[8 + n + n % 2:]
    return [c for c in out if c[0] in (b"VP8 ", b"VP8L", b"ALPH")]


def u24(v):
    return struct.pack("<I", v)[:3]


def anmf(im, x, y, flags, **options):
    inner = b"".join(k + struct.pack("<I", len(d)) + d + bytes(len(d) % 2) for k, d in webp_chunks(im, **options))
    return (b"ANMF", u24(x // 2) + u24(y // 2) + u24(im.width - 1) + u24(im.height - 1) + u24(100) + bytes([flags]) + inner)


def animation(*frames, canvas=(W, H), flags=0x12, background=b"\x20\x90\xf0\xff", more=()):
    return riff((b"VP8X", bytes([flags, 0, 0, 0]) + u24(canvas[0] - 1) + u24(canvas[1] - 1)), (b"ANIM", background + b"\0\0"), *frames, *more)


small = noise.crop((0, 0, 20, 15))
other = Image.fromarray(255 - PHOTO)
for name, o in {"lossy": {}, "lossless": {"lossless": True}, "exact": {"lossless": True, "exact": True}}.items():
    for flags in range(4):  # disposal and blending
        files[f"webp-animated-{name}-{flags}.webp"] = animation(anmf(noise, 0, 0, flags, **o), anmf(other, 0, 0, flags, **o))
        files[f"webp-offset-{name}-{flags}.webp"] = animation(anmf(small, 6, 6, flags, **o), anmf(other, 0, 0, flags, **o))
    files[f"webp-opaque-{name}.webp"] = animation(anmf(IM, 0, 0, 0, **o), anmf(other, 0, 0, 0, **o), flags=2)
    files[f"webp-opaque-offset-{name}.webp"] = animation(anmf(IM.crop((0, 0, 9, 9)), 10, 10, 0, **o), anmf(other, 0, 0, 0, **o), flags=2)
    files[f"webp-alpha-{name}.webp"] = saved(noise, "WEBP", **o)
files["webp-one-frame.webp"] = animation(anmf(noise, 0, 0, 0))
files["webp-animated-turned.webp"] = animation(anmf(noise, 0, 0, 0), flags=0x1A, more=((b"EXIF", exif),))
flag = (b"VP8X", bytes([0x10, 0, 0, 0]) + u24(W - 1) + u24(H - 1))
files["webp-flag-without-alpha.webp"] = riff(flag, *webp_chunks(IM))
files["webp-flag-without-alpha-lossless.webp"] = riff(flag, *webp_chunks(IM, lossless=True))
files["webp-alpha-without-flag.webp"] = riff((b"VP8X", bytes(4) + flag[1][4:]), *webp_chunks(noise))
files["webp-turned.webp"] = riff((flag[0], b"\x18" + flag[1][1:]), *webp_chunks(IM), (b"EXIF", exif))
files["webp-turned-without-flag.webp"] = riff(flag, *webp_chunks(IM), (b"EXIF", exif))
files["webp-two-pictures.webp"] = riff(*webp_chunks(IM), *webp_chunks(other))
files["webp-flags-late.webp"] = riff(*webp_chunks(IM), flag)
files["webp-junk-after.webp"] = saved(IM, "WEBP") + b"junk"
wrong = anmf(noise, 0, 0, 0)
files["webp-animated-wrong-size.webp"] = animation((wrong[0], wrong[1][:6] + u24(W) + wrong[1][9:]))
files["webp-unknown-chunk.webp"] = riff(flag, (b"XXXX", b"abc"), *webp_chunks(IM))

GIF = saved(IM.quantize(64), "GIF")
files["gif-plain.gif"] = GIF
files["gif-no-trailer.gif"] = GIF[:-1]
files["gif-junk-after.gif"] = GIF + b"junk"
files["gif-interlaced.gif"] = saved(IM.quantize(64), "GIF", interlace=True)
files["gif-transparent.gif"] = saved(IM.quantize(64), "GIF", transparency=3)
files["gif-comment.gif"] = GIF.replace(b"\x2c\0\0\0\0", b"\x21\xfe\x03abc\0\x2c\0\0\0\0", 1)
files["gif-large-screen.gif"] = GIF[:6] + struct.pack("<HH", W + 9, H + 5) + GIF[10:]
files["gif-small-screen.gif"] = GIF[:6] + struct.pack("<HH", W - 9, H - 5) + GIF[10:]


def without(b, *markers):
    """A JPEG file without the segments of the given markers."""
    out, i = b[:2], 2
    while b[i + 1] != 0xDA:
        n = 2 + struct.unpack(">H", b[i + 2:i + 4])[0]
        if b[i + 1] not in markers:
            out += b[i:i + n]
        i += n
    return out + b[i:]


def exif_with(kind, order="<", value=6):
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + (struct.pack(order + "HH", value, 0) if kind == 3 else struct.pack(order + "I", value))
    return (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 1) + entry + bytes(4)


for kind in (3, 4):
    for order in "<>":
        name = f"{'short' if kind == 3 else 'long'}-{'II' if order == '<' else 'MM'}"
        files[f"jpeg-exif-{name}.jpg"] = saved(IM, "JPEG", exif=b"Exif\0\0" + exif_with(kind, order))
        files[f"png-exif-{name}.png"] = png(*RGB, before=chunk(b"eXIf", exif_with(kind, order, 5)))
files["jpeg-junk-before-end.jpg"] = saved(IM, "JPEG")[:-2] + b"\x12\x34\x56" * 99 + b"\xff\xd9"
files["jpeg-junk-after-end.jpg"] = saved(IM, "JPEG") + b"junk\xff\xd8" * 99
files["jpeg-junk-between.jpg"] = saved(IM, "JPEG").replace(b"\xff\xc4", b"\0\0\xff\xc4", 1)
files["jpeg-fill-bytes.jpg"] = saved(IM, "JPEG").replace(b"\xff\xc4", b"\xff\xff\xff\xc4", 1)
files["jpeg-progressive-restart.jpg"] = saved(IM, "JPEG", progressive=True, restart_marker_blocks=3)
RESTARTS = saved(IM, "JPEG", restart_marker_blocks=1, quality=90)
files["jpeg-restart-junk.jpg"] = RESTARTS.replace(b"\xff\xd1", b"\x55\x55\x55\xff\xd1")
files["jpeg-restart-fill.jpg"] = RESTARTS.replace(b"\xff\xd0", b"\xff\xff\xff\xd0")
files["jpeg-restart-extra.jpg"] = RESTARTS[:-2] + b"\xff\xd3\xff\xd9"
files["jpeg-restart-rows.jpg"] = saved(IM, "JPEG", restart_marker_rows=1, subsampling=0)
files["jpeg-restart-gray.jpg"] = saved(IM.convert("L"), "JPEG", restart_marker_blocks=5)
for sub in (0, 1, 2):
    files[f"jpeg-no-dht-{sub}.jpg"] = without(saved(IM, "JPEG", subsampling=sub, quality=80), 0xC4)
files["jpeg-no-dht-gray.jpg"] = without(saved(IM.convert("L"), "JPEG"), 0xC4)
files["jpeg-no-dht-restart.jpg"] = without(saved(IM, "JPEG", restart_marker_blocks=2), 0xC4)
files["jpeg-no-dht-no-jfif.jfif"] = without(saved(IM, "JPEG"), 0xC4, 0xE0)
files["jpeg-avi1.jpe"] = without(saved(IM, "JPEG"), 0xC4, 0xE0).replace(b"\xff\xd8", b"\xff\xd8\xff\xe0\0\x10AVI1" + bytes(10), 1)

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
index = []
for name, data in files.items():
    entry = {"file": name}
    try:
        im = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        entry |= {"width": im.width, "height": im.height, "crc": zlib.crc32(im.tobytes())}
    except Exception as e:  # Pillow raises many kinds
        print(f"{name}: Pillow: {e}", file=sys.stderr)
        continue
    (out / name).write_bytes(data)
    index.append(entry)
(out / "index.json").write_text(json.dumps({"pillow": __version__, "files": index}, indent=0) + "\n")
