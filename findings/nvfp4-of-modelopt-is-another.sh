#!/usr/bin/env bash
# ComfyUI and ModelOpt store NVFP4 under the same names with the same types: `weight` (U8), `weight_scale` (E4M3) and
# `weight_scale_2` (one F32 that multiplies). Where rows are a multiple of 128 and blocks of 4 the shapes are the same,
# too. But a byte's first element is in its high half in one and in its low half in the other, and the scales of
# blocks are in cuBLAS's tiles or row by row: decoded as the other's, every number is wrong, and none is missing.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 comfy-kitchen==0.2.40 nvidia-modelopt==0.47.0 requests==2.34.2 huggingface_hub==2.4.0 <<'PY'
import torch
from comfy_kitchen.backends.eager.quantization import dequantize_nvfp4, quantize_nvfp4
from modelopt.torch.quantization.qtensor.nvfp4_tensor import NVFP4QTensor

generator = torch.Generator().manual_seed(1)
weight = torch.randn(128, 64, generator=generator) * torch.linspace(0.1, 4, 128)[:, None]
whole = weight.abs().max() / (6 * 448)
ours = {"weight": quantize_nvfp4(weight, whole)[0], "weight_scale": quantize_nvfp4(weight, whole)[1], "weight_scale_2": whole}
codes, scales, second = NVFP4QTensor.quantize(weight, 16)
theirs = {"weight": codes._quantized_data, "weight_scale": scales, "weight_scale_2": second}
same = True
for name in ours:
    a, b = ours[name], theirs[name]
    print(name, list(a.shape), a.dtype, "and", list(b.shape), b.dtype)
    same &= a.shape == b.shape and a.dtype == b.dtype


def error(stored):
    read = dequantize_nvfp4(stored["weight"], stored["weight_scale_2"], stored["weight_scale"], torch.float32)
    return ((read - weight).norm() / weight.norm()).item()


print(f"second scales {float(whole):.6f} and {float(second):.6f}")
print(f"ComfyUI's decoder: {error(ours):.1%} off its own, {error(theirs):.1%} off ModelOpt's")
print("the surprise holds" if same and error(ours) < 0.12 < 0.9 < error(theirs) else "the behaviour has changed")
PY
