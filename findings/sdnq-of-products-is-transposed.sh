#!/usr/bin/env bash
# SDNQ stores the weights of layers that it has quantised products for (use_quantized_matmul) with their axes
# exchanged: [columns, rows], under the same names and types. Of a square weight only its scale tells, [1, n] for
# [n, 1]. With groups or four bits the same option stores weights as they are; SVD factors are exchanged all the
# same.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 sdnq==0.2.8 <<'PY'
import torch
from sdnq.quantizer import sdnq_quantize_layer_weight

holds = True
for rows, type, options in ((96, "int8", {}), (64, "int8", {}), (96, "int8", {"group_size": 16}), (96, "uint4", {})):
    weight = torch.randn(rows, 64, generator=torch.Generator().manual_seed(0))
    stored = []
    for products in (False, True):
        torch.manual_seed(0)
        _, tensors = sdnq_quantize_layer_weight(
            weight, layer_class_name="Linear", weights_dtype=type, use_svd=True, svd_rank=4,
            use_quantized_matmul=products, **({"group_size": -1} if type == "int8" else {}) | options)
        stored.append(tensors)
        shapes = {key: list(tensors[key].shape) for key in ("weight", "scale", "svd_up", "svd_down")}
        print(f"[{rows}, 64] {type} {options or ''} use_quantized_matmul={products}: {shapes}")
    plain, other = stored
    is_exchanged = torch.equal(other["weight"], plain["weight"].t()) if plain["weight"].ndim == 2 else False
    holds &= is_exchanged == (type == "int8" and not options)
    holds &= torch.equal(other["svd_up"], plain["svd_up"].t())
print("the surprise holds" if holds else "the behaviour has changed")
PY
