"""Compares our safetensors reader with the official one; see tools/compare-with-safetensors.

    compare_with_safetensors.py PROBE [FILES [SEED]]
"""

import collections
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile

import safetensors

PROBE = sys.argv[1]
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
BATCH = 500

BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8,
        "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16,
        "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
        "U64": 64}
NAMES = ["a", "b", "c", "w", "transformer_blocks.0.attn.to_q.weight", "\u00e9", "e\u0301", "\uac00",
         "\u1100\u1161", "\u212b", "\u00c5", "", " ", "\"", "\\", "\0", "\n", "\u202e", "\U0001f600",
         "__metadata__x", "dtype", "shape", "/etc", "a\0b", "A"]
# What matters to the grammar, to sizes or to text.
PIECES = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0061", b"\\ud83d\\ude00", b"\\ud800",
          b"\\udc00", b"null", b"true", b"0", b"-0", b"-1", b"1", b"4", b"8", b"12", b"1e3", b"1.0",
          b"00", b"0x1", b"4294967296", b"9223372036854775807", b"9223372036854775808",
          b"18446744073709551615", b"18446744073709551616", b" ", b"\n", b"\t", b"\0", b"\xc3\xa9",
          b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"dtype"', b'"F4"', b'"F6_E3M2"',
          b'"BF16"', b'"f32"', b'"shape"', b"[0]", b"[]", b"[0,0]", b"[2,2]", b'"data_offsets"',
          b'"__metadata__"', b'"__metadata__":{"a":"b"}', b'"a"', b'{"x":[]}', b'"x":1', b"NaN",
          b'["F32",[1],[0,4]]', b'{"F32":null}', b"/**/", b"[" * 130 + b"]" * 130,
          b"[" * 120 + b"]" * 120]
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[A-Za-z]+|\s+|.', re.S)


def valid_header(r):
    """Members of a valid header, as text, and the size of its data."""
    members, names, end = [], set(), 0
    for _ in range(r.choice([0, 1, 1, 2, 3, 4, 6])):
        name = r.choice(NAMES)
        if name in names:
            continue
        names.add(name)
        dtype = r.choice(list(BITS))
        shape = [r.choice([0, 1, 2, 2, 3, 4, 8]) for _ in range(r.choice([0, 1, 1, 2, 2, 3]))]
        bits = BITS[dtype]
        for size in shape:
            bits *= size
        if bits % 8:
            shape, bits = shape + [8], bits * 8
        fields = [("dtype", dtype), ("shape", shape), ("data_offsets", [end, end + bits // 8])]
        if r.random() < 0.1:
            fields.append(("other", r.choice([None, 1.5, {"a": [1]}, "x", [[]]])))
        if r.random() < 0.3:
            r.shuffle(fields)
        members.append((name, dict(fields)))
        end += bits // 8
    if r.random() < 0.3:
        r.shuffle(members)
    if r.random() < 0.4:
        metadata = {r.choice(NAMES): r.choice(NAMES) for _ in range(r.choice([0, 1, 2]))}
        members.insert(r.randrange(len(members) + 1), ("__metadata__", metadata))
    texts = [json.dumps(k, ensure_ascii=r.random() < 0.5) + ":" +
             json.dumps(v, ensure_ascii=r.random() < 0.5, separators=(",", ":"))
             for k, v in members]
    return texts, end


def mutate_text(text, r):
    """One change of a header's JSON, by its tokens or by its bytes."""
    tokens = TOKEN.findall(text)
    if not tokens:
        return r.choice(PIECES)
    i = r.randrange(len(tokens))
    kind = r.randrange(9)
    if kind == 0:
        del tokens[i]
    elif kind == 1:
        tokens.insert(i, tokens[r.randrange(len(tokens))])
    elif kind == 2:
        j = r.randrange(len(tokens))
        tokens[i], tokens[j] = tokens[j], tokens[i]
    elif kind == 3:
        tokens[i] = r.choice(PIECES)
    elif kind == 4:
        tokens.insert(i, r.choice(PIECES))
    elif kind in (5, 6):
        numbers = [k for k, t in enumerate(tokens) if t.isdigit()]
        if numbers:
            k = r.choice(numbers)
            value = int(tokens[k]) + r.choice([-8, -4, -1, 1, 2, 4, 8, 1 << 31, 1 << 62, 1 << 64])
            tokens[k] = str(value).encode()
    elif kind == 7:
        strings = [k for k, t in enumerate(tokens) if t.startswith(b'"')]
        if len(strings) > 1:
            tokens[r.choice(strings)] = tokens[r.choice(strings)]
    else:
        data = bytearray(text)
        k = r.randrange(len(data))
        change = r.randrange(3)
        if change == 0:
            data[k] ^= 1 << r.randrange(8)
        elif change == 1:
            del data[k]
        else:
            data.insert(k, r.randrange(256))
        return bytes(data)
    return b"".join(tokens)


def mutate_members(texts, r):
    """One change of the list of members: twice, gone, or in another order."""
    if texts:
        i = r.randrange(len(texts))
        kind = r.randrange(4)
        if kind == 0:
            texts.insert(r.randrange(len(texts) + 1), texts[i])
        elif kind == 1:
            del texts[i]
        elif kind == 2:
            r.shuffle(texts)
        else:  # one member's name before another's value
            name = texts[i].split(":", 1)[0]
            j = r.randrange(len(texts))
            texts[j] = name + ":" + texts[j].partition('":')[2]


def mutate_file(data, r):
    """One change of the whole file, the length word included."""
    data = bytearray(data)
    kind = r.randrange(6)
    if kind == 0 and data:
        data[r.randrange(min(len(data), 8))] = r.choice([0, 1, 0x7F, 0x80, 0xFF, r.randrange(256)])
    elif kind == 1:
        del data[r.randrange(len(data) + 1):]
    elif kind == 2:
        data += bytes(r.choice([1, 8, 100]))
    elif kind == 3 and data:
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    elif kind == 4 and len(data) >= 8:
        word = struct.unpack("<Q", data[:8])[0] + r.choice([-8, -1, 1, 8])
        data[:8] = struct.pack("<Q", word % (1 << 64))
    elif data:
        data[:8] = struct.pack("<Q", r.choice([0, 1, 100_000_000, 100_000_001, 1 << 63,
                                               (1 << 64) - 1, (1 << 64) - 8]))
    return bytes(data)


def mutant(r):
    texts, size = valid_header(r)
    if r.random() < 0.25:
        mutate_members(texts, r)
    separator = r.choice([",", ",", ", ", "\n,\t"])
    text = ("{" + separator.join(texts) + "}").encode("utf-8", "surrogatepass")
    for _ in range(r.choice([0, 0, 1, 1, 1, 2, 3])):
        text = mutate_text(text, r)
    if r.random() < 0.2:
        text = r.choice([b" ", b"\n", b""]) + text + r.choice([b" " * 7, b"\n", b"\0", b"x", b"{}"])
    if r.random() < 0.05:
        size = max(0, size + r.choice([-1, 1, 4, -4, 8]))
    data = struct.pack("<Q", len(text)) + text + r.randbytes(size)
    return mutate_file(data, r) if r.random() < 0.1 else data


class Probe:
    """Our reader, as a process that lives as long as this one."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def answers(self, files):
        batch = [struct.pack("<I", len(files))]
        for data in files:
            batch += [struct.pack("<I", len(data)), data]
        self.process.stdin.write(b"".join(batch))
        self.process.stdin.flush()
        return [self.answer() for _ in files]

    def answer(self):
        head = self.process.stdout.read(5)
        if len(head) < 5:
            sys.exit(f"the probe ended with status {self.process.wait()}")
        accepted, length = struct.unpack("<BI", head)
        text = self.process.stdout.read(length)
        return content(text) if accepted else text.decode()


def content(text):
    """The probe's description of an accepted file: tensors and metadata."""
    position = 0

    def number(size=4):
        nonlocal position
        position += size
        return int.from_bytes(text[position - size:position], "little")

    def string():
        nonlocal position
        size = number()
        position += size
        return text[position - size:position].decode()

    tensors = {}
    for _ in range(number()):
        name, dtype = string(), string()
        shape = [number(8) for _ in range(number())]
        tensors[name] = (dtype, shape, number(8), number(8))
    return tensors, {string(): string() for _ in range(number())}


def official(data, path):
    """What the official reader makes of a file: tensors and metadata, or its error."""
    try:
        tensors = {name: (view["dtype"], list(view["shape"]), bytes(view["data"]))
                   for name, view in safetensors.deserialize(data)}
    except safetensors.SafetensorError as error:
        return str(error)
    with open(path, "wb") as file:
        file.write(data)
    with safetensors.safe_open(path, framework="np") as file:
        if set(file.keys()) != set(tensors):
            sys.exit(f"the official readers differ: {data!r}")
        return tensors, file.metadata() or {}


def strictness(data):
    """The rules by which our reader refuses what the official one accepts, that hold for a file."""
    rules = []
    text = data[8:8 + struct.unpack("<Q", data[:8])[0]].decode()

    def pairs(members):
        return ("object", members)

    document = json.loads(text, object_pairs_hook=pairs, strict=False)[1]
    keys = [key for key, _ in document]
    if len(set(keys)) < len(keys):
        rules.append("tensor name given twice")
    for key, value in document:
        if key == "__metadata__":
            inner = [k for k, _ in value[1]] if value else []
            if len(set(inner)) < len(inner):
                rules.append("metadata key given twice")
        elif isinstance(value, list):
            rules.append("entry as an array")
        else:
            fields = dict(value[1])
            if not isinstance(fields.get("dtype"), str):
                rules.append("dtype as an object")
            numbers = (fields.get("shape") or []) + (fields.get("data_offsets") or [])
            if any(number >= 1 << 63 for number in numbers):
                rules.append("size of 2^63 or more beside a 0")
    return rules


def same(data, ours, theirs):
    """Whether two descriptions of an accepted file are of the same content."""
    (our_tensors, our_metadata), (tensors, metadata) = ours, theirs
    return our_metadata == metadata and our_tensors.keys() == tensors.keys() and all(
        our_tensors[name][:2] == (dtype, shape)
        and data[our_tensors[name][2]:our_tensors[name][3]] == view
        for name, (dtype, shape, view) in tensors.items())


def main():
    r = random.Random(SEED)
    probe = Probe(PROBE)
    counts = collections.Counter()
    unexplained = 0
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.NamedTemporaryFile(suffix=".safetensors", dir=memory) as scratch:
        for start in range(0, COUNT, BATCH):
            files = [mutant(r) for _ in range(min(BATCH, COUNT - start))]
            for data, ours in zip(files, probe.answers(files)):
                theirs = official(data, scratch.name)
                if isinstance(ours, str) and isinstance(theirs, str):
                    counts["both refuse"] += 1
                    continue
                if not isinstance(ours, str) and not isinstance(theirs, str):
                    if same(data, ours, theirs):
                        counts["both accept, and read the same"] += 1
                        continue
                    what = "CONTENT DIFFERS"
                elif isinstance(theirs, str):
                    what = "ONLY OURS ACCEPTS"
                else:
                    rules = strictness(data)
                    if rules:
                        counts["ours is stricter: " + rules[0]] += 1
                        continue
                    what = "ONLY OURS REFUSES"
                counts[what] += 1
                unexplained += 1
                if unexplained <= 20:
                    print(f"{what}\n  file   {data!r}\n  ours   {ours}\n  theirs {theirs}", flush=True)
            if (start + len(files)) % 100_000 == 0:
                print(f"{start + len(files):,} files", file=sys.stderr, flush=True)
    print(f"safetensors {safetensors.__version__}, {COUNT:,} files, seed {SEED}")
    for what, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{count:>12,}  {what}")
    print(f"{unexplained:>12,}  unexplained differences")
    return 1 if unexplained else 0


sys.exit(main())
