"""Writes the pictures of this folder and what Pillow reads from them (see README.md)."""
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

HERE = os.path.dirname(os.path.abspath(__file__))
SIGNATURE = b"\x89PNG\r\n\x1a\n"
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(row, depth):
    """Samples of a row as PNG stores them: big-endian, the first sample in the high bits."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype("u1").tobytes()
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def filtered(rows, step):
    """Rows with filter types 0 to 4 in turn."""
    previous, out = bytes(len(rows[0])) if rows else b"", b""
    for y, row in enumerate(rows):
        kind, line = y % 5, bytearray()
        for i, v in enumerate(row):
            a = row[i - step] if i >= step else 0
            b, c = previous[i], previous[i - step] if i >= step else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((v - [0, a, b, (a + b) // 2, paeth][kind]) & 255)
        out, previous = out + bytes([kind]) + bytes(line), row
    return out


def png(samples, colour, depth, interlaced=False, before=(), after=()):
    """A PNG of `samples` [height, width, channels]."""
    height, width, channels = samples.shape
    step = max(1, channels * depth // 8)
    data = b""
    for x0, y0, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = samples[y0::dy, x0::dx]
        if part.size:
            data += filtered([packed(r.reshape(-1), depth) for r in part], step)
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    out = SIGNATURE + chunk(b"IHDR", head)
    for kind, payload in before:
        out += chunk(kind, payload)
    out += chunk(b"IDAT", zlib.compress(data, 9))
    for kind, payload in after:
        out += chunk(kind, payload)
    return out + chunk(b"IEND", b"")


def exif(orientation):
    e = Image.Exif()
    e[0x0112] = orientation
    return e.tobytes()


random = np.random.default_rng(20)
files, expected = {}, {}
for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
    for depth in depths:
        samples = random.integers(0, 1 << depth, (9, 13, CHANNELS[colour]))
        name = {0: "gray", 2: "rgb", 3: "palette", 4: "gray_alpha", 6: "rgba"}[colour] + str(depth)
        palette = random.integers(0, 256, 3 << depth).astype("u1").tobytes()
        before = [(b"PLTE", palette)] if colour == 3 else []
        files[name + ".png"] = png(samples, colour, depth, before=before)
        files[name + "_interlaced.png"] = png(samples, colour, depth, True, before=before)
noise = random.integers(0, 256, (9, 13, 3))
files["gray8_transparent.png"] = png(noise[..., :1] % 4, 0, 8, before=[(b"tRNS", b"\0\2")])
files["rgb8_transparent.png"] = png(noise % 2, 2, 8, before=[(b"tRNS", b"\0\1\0\0\0\1")])
files["palette8_transparent.png"] = png(
    noise[..., :1] % 4, 3, 8, before=[(b"PLTE", bytes(range(12))), (b"tRNS", b"\0\x80")])
files["rgb8_gamma.png"] = png(noise, 2, 8, before=[
    (b"gAMA", struct.pack(">I", 100000)), (b"cHRM", struct.pack(">8I", *[30000] * 8)), (b"sBIT", b"\5\5\5")])
files["rgb8_exif6.png"] = png(noise, 2, 8, before=[(b"eXIf", exif(6)[6:])])

# Texts as other programs store them: Latin-1, UTF-8, and two that are compressed.
files["texts.png"] = png(noise, 2, 8, before=[
    (b"tEXt", b"parameters\0a caf\xe9\nSteps: 10"),
    (b"iTXt", "prompt\0\0\0en\0Eingabe\0ein Ö, ein 猫".encode()),
    (b"zTXt", b"zipped\0\0" + zlib.compress(b"x" * 100)),
    (b"iTXt", b"zipped too\0\1\0\0\0" + zlib.compress(b"y" * 100)),
], after=[(b"tEXt", b"Software\0after the pixels")])

# A smooth scene with some noise, of a size that no block size divides.
y, x = np.mgrid[0:25, 0:33]
scene = np.stack([x * 7, y * 9, 255 - x * 4 - y * 3], -1) + random.integers(-20, 21, (25, 33, 3))
scene = Image.fromarray(np.clip(scene, 0, 255).astype("u1"))


def jpeg(picture, **options):
    out = io.BytesIO()
    picture.save(out, "JPEG", **{"quality": 85, **options})
    return out.getvalue()


files["gray.jpg"] = jpeg(scene.convert("L"))
for name, subsampling in {"444": 0, "422": 1, "420": 2}.items():
    files[f"ycc{name}.jpg"] = jpeg(scene, subsampling=subsampling)
    files[f"ycc{name}_progressive.jpg"] = jpeg(scene, subsampling=subsampling, progressive=True)
files["restarts.jpg"] = jpeg(scene, restart_marker_blocks=2)
files["rgb.jpg"] = jpeg(scene, keep_rgb=True)
files["cmyk.jpg"] = jpeg(Image.merge("CMYK", [*scene.split(), scene.convert("L")]))
files["comment.jpg"] = jpeg(scene, comment=b"a comment") + b"trailing bytes"
for orientation in range(1, 9):
    files[f"exif{orientation}.jpg"] = jpeg(scene.resize((19, 11)), exif=exif(orientation))


def webp(picture, **options):
    out = io.BytesIO()
    picture.save(out, "WEBP", **options)
    return out.getvalue()


faded = scene.convert("RGBA")
faded.putalpha(scene.convert("L"))
files["lossy.webp"] = webp(scene, quality=80)
files["lossless.webp"] = webp(scene, lossless=True)
files["lossy_alpha.webp"] = webp(faded, quality=80)
files["lossless_alpha.webp"] = webp(faded, lossless=True, exact=True)
files["exif6.webp"] = webp(scene.resize((19, 11)), lossless=True, exif=exif(6))

for name, content in files.items():
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(content)
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if picture.mode == "I;16":
        # convert("RGB") would clamp these at 255, which leaves white; the high byte is what Pillow
        # takes of every other kind of 16-bit picture.
        picture = Image.fromarray((np.asarray(picture) >> 8).astype("u1"))
    expected[name] = np.asarray(picture.convert("RGB"))

# Pillow's antialiased Lanczos: the whole picture, and cropped to fill about the centre.
y, x = np.mgrid[0:47, 0:61]
source = np.stack([128 + 120 * np.sin(x / 3), 128 + 120 * np.cos(y / 5 + x / 9), x * 4], -1)
source[10:20, 30:45] = [255, 0, 255]
source[::7, ::5] = 0
source = Image.fromarray(np.clip(source, 0, 255).astype("u1"))
source.save(os.path.join(HERE, "resize.png"))
expected["resize.png"] = np.asarray(source)
for width, height in [(61, 47), (32, 32), (16, 40), (96, 64), (122, 47), (61, 20), (7, 5), (1, 1), (200, 3)]:
    size = (width, height)
    expected[f"resize/{width}x{height}"] = np.asarray(source.resize(size, Image.Resampling.LANCZOS))
    expected[f"fit/{width}x{height}"] = np.asarray(ImageOps.fit(source, size, Image.Resampling.LANCZOS))

header, data = {}, b""
for name, pixels in expected.items():
    assert pixels.dtype == np.uint8 and pixels.shape[2] == 3, name
    header[name] = dict(dtype="U8", shape=list(pixels.shape), data_offsets=[len(data), len(data) + pixels.size])
    data += pixels.tobytes()
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(HERE, "expected.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
