#!/usr/bin/env bash
# "NVFP4" is two formats. comfy-kitchen (ComfyUI) puts a byte's first element into the high four bits, multiplies by
# a second scale, and stores the scales of blocks in cuBLAS's tiles; compressed-tensors has the first element in
# the low four bits, divides by its second scale, and stores scales row by row. The tensors of one kind have
# the shapes and types of the other where rows are a multiple of 128 and blocks of 4.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 comfy-kitchen==0.2.40 compressed-tensors==0.20.1 transformers==5.24.0 loguru==0.7.3 <<'PY'
import torch
from comfy_kitchen.backends.eager.quantization import quantize_nvfp4
from compressed_tensors.compressors import BaseCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme

weight = torch.ones(128, 64)
weight[:, 1::2] = 6
weight[:, 16:32] *= 2
weight[64:] /= 4
largest = weight.abs().max()
codes, scales = quantize_nvfp4(weight, largest / (6 * 448))
arguments = QuantizationArgs(num_bits=4, type="float", symmetric=True, strategy="tensor_group", group_size=16)
whole = (6 * 448 / largest).reshape(1)
blocks = (weight.reshape(128, 4, 16).abs().amax(2) / 6 * whole).to(torch.float8_e4m3fn)
other = BaseCompressor.get_value_from_registry("nvfp4-pack-quantized").compress(
    {"weight": weight, "weight_scale": blocks.float(), "weight_global_scale": whole},
    QuantizationScheme(targets=["Linear"], weights=arguments))
same = codes.shape == other["weight_packed"].shape and scales.shape == other["weight_scale"].shape
print("shapes", list(codes.shape), list(scales.shape), "the same" if same else "differ")
print(f"first bytes of the codes {int(codes[0, 0]):#04x} and {int(other['weight_packed'][0, 0]):#04x}")
differ = not torch.equal(scales.float(), other["weight_scale"].float())
print("scales of blocks", "in another order" if differ else "in the same order")
print(f"second scale {largest / (6 * 448):.5f} multiplies, {float(other['weight_global_scale']):.5f} divides")
swapped = int(codes[0, 0]) == 0x27 and int(other["weight_packed"][0, 0]) == 0x72
print("the surprise holds" if same and differ and swapped else "the behaviour has changed")
PY
