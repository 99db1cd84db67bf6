#!/usr/bin/env bash
# transformers stores fp8 weights with one scale for every 128 x 128 and computes with these tiles; the last
# one is cut where the rows aren't a multiple of 128. Loading with dequantize=True takes rows / scales as the
# height of a tile instead: 192 rows with two scales become tiles of 96, and rows 96 to 127 get the second one's.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 transformers==5.24.0 <<'PY'
import torch
from transformers.integrations.finegrained_fp8 import FP8Linear, Fp8Dequantize, _dequantize_fp8_weight

stored = FP8Linear(128, 192, block_size=(128, 128)).weight_scale_inv.shape
codes = torch.ones(192, 128).to(torch.float8_e4m3fn)
scales = torch.tensor([[1.0], [2.0]])
loaded = Fp8Dequantize(None)._dequantize_one(codes, scales, torch.float32)
computed = _dequantize_fp8_weight(codes, scales, [128, 128], torch.float32)
first = [int((weight[:, 0] == 2).nonzero()[0]) for weight in (loaded, computed)]
print(f"192 rows have {stored[0]} scales; the second begins at row {first[1]} of the module's own weight, "
      f"at row {first[0]} of the one that is loaded dequantised")
holds = list(stored) == [2, 1] and first == [96, 128]
print("the surprise holds" if holds else "the behaviour has changed")
PY
