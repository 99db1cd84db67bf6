#!/usr/bin/env bash
# comfy-kitchen's code for CPUs divides a BF16 weight by its int8 scale in BF16, with the scale rounded to BF16
# first, and stores the scale as it was before that: of the quotients up to 127 those beyond 64 are multiples of a
# half when they are rounded to integers. The same weight widened to float32 gets other codes, which are
# nearer to it.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 comfy-kitchen==0.2.40 <<'PY'
import torch
from comfy_kitchen.backends.eager.quantization import dequantize_int8_simple, quantize_int8_rowwise

weight = (torch.randn(256, 3072, generator=torch.Generator().manual_seed(0)) * 0.02).bfloat16()
codes, errors = [], []
for given in (weight, weight.float()):
    found, scale = quantize_int8_rowwise(given)
    difference = dequantize_int8_simple(found, scale).double() - weight.double()
    codes.append(found)
    errors.append((difference.square().sum() / weight.double().square().sum()).sqrt().item())
    print(f"{given.dtype}: scale {scale.dtype}, relative error {errors[-1]:.3%}")
share = (codes[0] != codes[1]).double().mean().item()
print(f"{share:.1%} of the codes differ")
print("the surprise holds" if share > 0.05 and errors[0] > 1.05 * errors[1] else "the behaviour has changed")
PY
