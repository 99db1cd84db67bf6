"""A second implementation of formats/compressed.md, in Python, with nothing of the first.

restore CONTAINER OUTPUT [BASE]   writes the original file
write ORIGINAL CONTAINER [BASE]   writes a container, in its own way
fixtures FOLDER                   writes the fixtures of the compression tests
sample FOLDER                     writes files with every dtype, for tools/check-compressed

Needs numpy, xxhash and zstandard.
"""

import json
import struct
import sys
from pathlib import Path

import numpy
import xxhash
import zstandard

ELEMENT = {"F16": 2, "BF16": 2, "I16": 2, "U16": 2, "F32": 4, "C64": 4, "I32": 4, "U32": 4,
           "F64": 8, "I64": 8, "U64": 8}
BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64}
ROTATED = {"F16", "BF16", "F32", "C64", "F64"}


def checksum(data):
    return xxhash.xxh3_64_intdigest(bytes(data))


def read_safetensors(path):
    """The header's bytes, its JSON, and the data of each tensor."""
    data = Path(path).read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    entries = json.loads(data[8:8 + size])
    metadata = entries.pop("__metadata__", None)
    start = 8 + size
    tensors = {
        name: data[start + entry["data_offsets"][0]:start + entry["data_offsets"][1]]
        for name, entry in entries.items()
    }
    return data[:start], entries, metadata, tensors


def write_safetensors(path, tensors, metadata):
    """Writes (name, dtype, shape, data) one behind the other."""
    header, end = {"__metadata__": metadata} if metadata else {}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(bytes(data) for _, _, _, data in tensors)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + body)


def unpack(stream, base):
    """Restores the bytes of one packed stream."""
    assert stream[:4] == b"GLP1"
    element, uses_base, zero, size, chunk_size, count = struct.unpack_from("<BBHQII", stream, 4)
    assert zero == 0
    record = 12 + 4 * element + 8 * uses_base
    end = 24 + count * record
    assert struct.unpack_from("<Q", stream, end)[0] == checksum(stream[:end])
    place, output = end + 8, bytearray()
    for index in range(count):
        at = 24 + index * record
        coding = stream[at]
        words = struct.unpack_from(f"<{element}I", stream, at + 4)
        expected = struct.unpack_from("<Q", stream, at + 4 + 4 * element)[0]
        full = min(chunk_size, size - index * chunk_size)
        part = base[index * chunk_size:index * chunk_size + full] if uses_base else None
        if coding >= 2:
            assert checksum(part) == struct.unpack_from("<Q", stream, at + 12 + 4 * element)[0]
        if coding == 3:
            chunk = part
        else:
            planes = []
            for word in words:
                method, stored = word >> 30, word & (1 << 30) - 1
                data, place = stream[place:place + stored], place + stored
                if method == 1:
                    data = zstandard.ZstdDecompressor().decompress(data)
                elif method == 2:
                    data = data * (full // element)
                assert len(data) == full // element
                planes.append(numpy.frombuffer(data, numpy.uint8))
            kind = numpy.dtype(f"<u{element}")
            values = numpy.stack(planes, axis=1).copy().view(kind).ravel()
            one, bits = kind.type(1), kind.type(8 * element - 1)
            if coding == 1:
                values = values >> one | values << bits
            elif coding == 2:
                values = (values >> one ^ (~(values & one) + one)) + numpy.frombuffer(part, kind)
            chunk = values.tobytes()
        assert checksum(chunk) == expected
        output += chunk
    assert place == len(stream) and len(output) == size
    return bytes(output)


def restore(container, output, base=None):
    _, entries, _, streams = read_safetensors(container)
    name = next(name for name in entries if name.startswith("glance.header"))
    head = streams.pop(name)
    assert head[:8] == b"GLH1\0\0\0\0"
    assert struct.unpack_from("<Q", head, 8)[0] == checksum(head[16:])
    header_size, packed_size, is_delta, name_size = struct.unpack_from("<QQII", head, 16)
    print("base:", head[40:40 + name_size].decode() if is_delta else None)
    assert len(head) == 40 + name_size + packed_size
    header = zstandard.ZstdDecompressor().decompress(
        head[40 + name_size:], max_output_size=header_size)
    assert len(header) == header_size
    original = json.loads(header[8:])
    original.pop("__metadata__", None)
    assert original.keys() == streams.keys()
    bases = read_safetensors(base)[3] if base else {}
    data = bytearray(max((e["data_offsets"][1] for e in original.values()), default=0))
    for name, entry in original.items():
        begin, end = entry["data_offsets"]
        data[begin:end] = unpack(streams[name], bases.get(name))
    Path(output).write_bytes(header + data)


def pack(data, dtype, base, chunk_size):
    """Packs the bytes of one tensor; codings change from chunk to chunk, so that all occur."""
    element = ELEMENT.get(dtype, 1)
    kind = numpy.dtype(f"<u{element}")
    one, bits = kind.type(1), kind.type(8 * element - 1)
    records, body = b"", b""
    count = -(-len(data) // chunk_size)
    for index in range(count):
        chunk = data[index * chunk_size:(index + 1) * chunk_size]
        values = numpy.frombuffer(chunk, kind)
        part = base[index * chunk_size:(index + 1) * chunk_size] if base is not None else None
        coding = 3 if chunk == part else 2 if base is not None and index % 3 != 2 else index % 2
        if coding == 1:
            values = values << one | values >> bits
        elif coding == 2:
            difference = values - numpy.frombuffer(part, kind)
            values = difference << one ^ (~(difference >> bits) + one)
        words = []
        for plane in values.view(numpy.uint8).reshape(-1, element).T if coding < 3 else []:
            plane = plane.tobytes()
            packed = zstandard.ZstdCompressor(level=3).compress(plane)
            if len(set(plane)) == 1:
                words.append(2 << 30 | 1)
                body += plane[:1]
            elif len(packed) < len(plane):
                words.append(1 << 30 | len(packed))
                body += packed
            else:
                words.append(len(plane))
                body += plane
        records += struct.pack(f"<B3x{element}IQ", coding, *(words or [0] * element),
                               checksum(chunk))
        if base is not None:
            records += struct.pack("<Q", checksum(part))
    table = b"GLP1" + struct.pack(
        "<BBHQII", element, base is not None, 0, len(data), chunk_size, count) + records
    return table + struct.pack("<Q", checksum(table)) + body


def write(original, container, base=None, chunk_size=1024):
    header, entries, metadata, tensors = read_safetensors(original)
    base_entries, bases = {}, {}
    if base:
        _, base_entries, _, bases = read_safetensors(base)
    name = b"base" if base else b""
    packed = zstandard.ZstdCompressor().compress(header)
    checked = struct.pack("<QQII", len(header), len(packed), base is not None, len(name))
    checked += name + packed
    streams = [("glance.header", b"GLH1\0\0\0\0" + struct.pack("<Q", checksum(checked)) + checked)]
    for tensor, data in tensors.items():
        entry, other = entries[tensor], base_entries.get(tensor)
        same = other and (other["dtype"], other["shape"]) == (entry["dtype"], entry["shape"])
        streams.append(
            (tensor, pack(data, entry["dtype"], bases[tensor] if same else None, chunk_size)))
    write_safetensors(
        container, [(name, "U8", [len(data)], data) for name, data in streams],
        {**(metadata or {}), "glance.compressed": '{"version":1}'})


def sample(folder):
    """A base and a tuned file: every dtype, differences, equal tensors, new and dropped ones."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(1)
    base, tuned = [], []
    dtypes = ["BOOL", "F4", "F6_E2M3", "U8", "I8", "F8_E4M3", "I16", "F16", "BF16", "I32", "F32",
              "C64", "F64", "I64"]
    for dtype in dtypes:
        element = ELEMENT.get(dtype, 1)
        count = 1000 * BITS.get(dtype, 8 * element) // 8 // element
        values = (random.normal(0, 1, count) * 2 ** (8 * element - 5)).astype(numpy.int64)
        values = values.astype(f"<i{element}")
        changed = values + random.integers(-3, 4, count).astype(f"<i{element}")
        base.append((dtype.lower(), dtype, [10, 100], values.tobytes()))
        tuned.append((dtype.lower(), dtype, [10, 100], changed.tobytes()))
    noise = random.bytes(3000)
    base += [("same", "BF16", [30, 50], noise), ("dropped", "U8", [3], b"abc")]
    tuned += [("same", "BF16", [30, 50], noise), ("new", "F32", [], b"\0\0\0\0"),
              ("empty", "F16", [0, 7], b""), ("zeros", "F32", [700], bytes(2800))]
    write_safetensors(folder / "base.safetensors", base, {"format": "pt"})
    write_safetensors(folder / "tuned.safetensors", tuned, {"format": "pt", "note": "é"})


def head_tensor(header, size=None, delta=0, name=b"", frame=None):
    """`glance.header` of a container, right but for what is asked."""
    packed = frame or zstandard.ZstdCompressor().compress(header)
    checked = struct.pack("<QQII", size or len(header), len(packed), delta, len(name))
    checked += name + packed
    return b"GLH1\0\0\0\0" + struct.pack("<Q", checksum(checked)) + checked


def hostile(folder):
    """Containers whose checksums are right and which are wrong all the same."""
    folder.mkdir(parents=True, exist_ok=True)
    data = numpy.arange(256, dtype="<u2").tobytes()
    header = json.dumps({"w": {"dtype": "BF16", "shape": [256], "data_offsets": [0, 512]}}).encode()
    header = struct.pack("<Q", len(header)) + header

    def stream(coding=0, words=(256, 256), body=data, reserved=0, uses_base=0, element=2,
               size=512, chunk_size=512, count=1, total=None):
        record = struct.pack(f"<I{len(words)}IQ", coding | reserved << 8, *words, checksum(data))
        record += struct.pack("<Q", 0) * uses_base
        table = b"GLP1" + struct.pack(
            "<BBHQII", element, uses_base, 0, size, chunk_size, count) + record
        return table + struct.pack("<Q", checksum(table)) + body

    def frame(plane):
        return zstandard.ZstdCompressor(level=19).compress(plane)

    def zstd(plane):
        packed = plane if isinstance(plane, bytes) and plane[:4] == b"raw!" else frame(plane)
        return {"words": (1 << 30 | len(packed), 256), "body": packed + data[:256]}

    good = head_tensor(header)
    files = {
        "coding-unknown": (good, stream(coding=4)),
        "coding-needs-base": (good, stream(coding=3, words=(0, 0), body=b"")),
        "base-not-named": (good, stream(coding=3, words=(0, 0), body=b"", uses_base=1)),
        "method-unknown": (good, stream(words=(3 << 30 | 256, 256))),
        "raw-plane-short": (good, stream(words=(255, 257))),
        "zstd-as-large-as-plane": (good, stream(words=(1 << 30 | 256, 256))),
        "zstd-empty": (good, stream(words=(1 << 30, 256), body=data[:256])),
        "zstd-garbage": (good, stream(**zstd(b"raw!" + bytes(60)))),
        "zstd-restores-less": (good, stream(**zstd(bytes(255)))),
        "zstd-restores-more": (good, stream(**zstd(bytes(257)))),
        "zstd-bomb": (good, stream(**zstd(bytes(3 << 20)))),
        "constant-of-two": (good, stream(words=(2 << 30 | 2, 256), body=data[:258])),
        "same-with-bytes": (good, stream(coding=3, words=(1, 0), body=b"x", uses_base=1)),
        "reserved-not-zero": (good, stream(reserved=1)),
        "stream-short": (good, stream(body=data[:-1])),
        "stream-long": (good, stream(body=data + b"x")),
        "chunk-count": (good, stream(count=2)),
        "chunk-size-zero": (good, stream(chunk_size=0)),
        "chunk-size-over-limit": (good, stream(chunk_size=(64 << 20) + 8)),
        "chunk-size-odd": (good, stream(chunk_size=516)),
        "tensor-size-2-to-the-63": (good, stream(size=1 << 63)),
        "tensor-size-near-2-to-the-64": (good, stream(size=(1 << 64) - 2, chunk_size=64 << 20)),
        "tensor-size-other": (good, stream(size=510, words=(255, 255), body=data[:510])),
        "element-of-three": (good, stream(element=3, words=(1, 1, 1))),
        "element-of-other-dtype": (good, stream(element=1, words=(512,))),
        "header-says-more": (head_tensor(header, size=len(header) + 1), stream()),
        "header-says-less": (head_tensor(header, size=len(header) - 1), stream()),
        "header-says-100-mb": (head_tensor(header, size=100_000_000), stream()),
        "header-bomb": (head_tensor(header, frame=frame(bytes(90_000_000))), stream()),
        "header-over-limit": (head_tensor(header, size=1 << 62), stream()),
        "header-not-json": (head_tensor(struct.pack("<Q", 2) + b"[]"), stream()),
        "header-length-word": (head_tensor(struct.pack("<Q", 1 << 60) + header[8:]), stream()),
        "header-of-other-tensor": (head_tensor(header.replace(b'"w"', b'"v"')), stream()),
        "base-name-not-utf8": (head_tensor(header, delta=1, name=b"\xff"), stream()),
        "base-name-too-long": (head_tensor(header, delta=1, name=b"x" * 4097), stream()),
    }
    for name, (head, packed) in files.items():
        write_safetensors(
            folder / f"{name}.safetensors",
            [("glance.header", "U8", [len(head)], head), ("w", "U8", [len(packed)], packed)],
            {"glance.compressed": '{"version":1}'})
    for name, tensors in {
        "no-header": [("w", "U8", [len(stream())], stream())],
        "two-headers": [("glance.header", "U8", [len(good)], good),
                        ("glance.header.2", "U8", [len(good)], good),
                        ("w", "U8", [len(stream())], stream())],
        "tensor-too-many": [("glance.header", "U8", [len(good)], good),
                            ("w", "U8", [len(stream())], stream()),
                            ("x", "U8", [len(stream())], stream())],
        "stream-of-other-dtype": [("glance.header", "U8", [len(good)], good),
                                  ("w", "I8", [len(stream())], stream())],
    }.items():
        write_safetensors(
            folder / f"{name}.safetensors", tensors, {"glance.compressed": '{"version":1}'})
    write_safetensors(
        folder / "right.safetensors",
        [("glance.header", "U8", [len(good)], good),
         ("w", "U8", [len(stream(body=data[::2] + data[1::2]))],
          stream(body=data[::2] + data[1::2]))], {"glance.compressed": '{"version":1}'})


def fixtures(folder):
    folder = Path(folder)
    sample(folder)
    hostile(folder / "hostile")
    tuned, base = folder / "tuned.safetensors", folder / "base.safetensors"
    write(tuned, folder / "whole.safetensors")
    write(tuned, folder / "delta.safetensors", base)


if __name__ == "__main__":
    {"restore": restore, "write": write, "fixtures": fixtures, "sample": sample}[sys.argv[1]](
        *sys.argv[2:])
