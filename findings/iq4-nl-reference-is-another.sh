#!/usr/bin/env bash
# ggml has a "reference" quantiser for every type of blocks, which is what llama-quantize calls without an
# importance matrix: for Q4_0 and the K types. For IQ4_NL it isn't: quantize_row_iq4_nl_ref tries one scale
# a block, quantize_iq4_nl (what llama-quantize calls) sixteen, and two thirds of
# the blocks of normal numbers differ.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding gguf==0.19.0 numpy==2.4.6 pywhispercpp==1.5.1 <<'PY'
import ctypes
import pathlib

import gguf
import numpy as np
import pywhispercpp
from gguf.quants import dequantize

folder = pathlib.Path(pywhispercpp.__file__).parents[1]
ggml = ctypes.CDLL(str(next(folder.glob("pywhispercpp.libs/libggml-base-*"))))
values = (np.random.default_rng(0).standard_normal((512, 256)) * 0.03).astype(np.float32)


def blocks(kind, encode, *after):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    found = np.zeros((len(values), 256 // elements * size), np.uint8)
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (values, found)]
    getattr(ggml, encode)(*pointers, *after)
    error = np.linalg.norm(dequantize(found, kind) - values) / np.linalg.norm(values)
    return found.reshape(-1, size), error


one, shape = [ctypes.c_int64(values.size)], [*map(ctypes.c_int64, values.shape), None]
different = {}
for name in ["Q4_0", "Q4_K", "IQ4_NL"]:
    kind = gguf.GGMLQuantizationType[name]
    word = name.lower().replace("_k", "_K")
    reference, first = blocks(kind, f"quantize_row_{word}_ref", *one)
    called, second = blocks(kind, f"quantize_{word}", *shape)
    different[name] = (reference != called).any(axis=1).mean()
    print(f"{name}: error of the reference {first:.4f}, of what llama-quantize calls {second:.4f}; "
          f"{different[name]:.0%} of the blocks differ")
holds = different["Q4_0"] == 0 and different["Q4_K"] == 0 and different["IQ4_NL"] > 0.5
print("the surprise holds" if holds else "the behaviour has changed")
PY
