#!/usr/bin/env bash
# bitsandbytes counts the blocks of a 4-bit weight through all of its numbers, row after row. On processors with
# AVX-512 its code for CPUs counts them anew in every row: where a row is no multiple of the block, such as the
# 3584 numbers of Qwen2.5-VL's rows in blocks of 1024, it multiplies by scales of other blocks and says nothing.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 bitsandbytes==0.50.2 numpy==2.4.6 <<'PY'
import sys
import torch
from bitsandbytes import functional
from bitsandbytes.backends.cpu.ops import _has_avx512

if not _has_avx512:
    print("no AVX-512 here: the other code is not what this is about")
    sys.exit(2)


def error(found, weight):
    return float((found - weight).norm() / weight.norm())


holds = True
for shape, block in (((96, 64), 64), ((64, 96), 64), ((8, 3584), 512), ((8, 3584), 1024)):
    for form in ("nf4", "fp4"):
        weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
        codes, state = functional.quantize_4bit(weight, blocksize=block, quant_type=form)
        peer = functional.dequantize_4bit(codes, state)
        bytes = codes.flatten()
        numbers = state.code[torch.stack([bytes >> 4, bytes & 15], 1).flatten().long()]
        own = (numbers * state.absmax.repeat_interleave(block)[: weight.numel()]).reshape(shape)
        is_cut = shape[1] % block != 0
        print(f"{list(shape)} {form} in blocks of {block}: relative error {error(peer, weight):.3f}; "
              f"with the blocks counted through: {error(own, weight):.3f}")
        holds &= error(own, weight) < 0.2 and torch.allclose(peer, own, rtol=1e-6) != is_cut
print("the surprise holds" if holds else "the behaviour has changed")
PY
