#!/usr/bin/env bash
# Converting a control LoRA from Black Forest Labs' names, diffusers exchanges the halves of the last modulation's
# A as it does those of its B. B has the modulation's rows, whose halves (scale, shift) stand in the other order there;
# A has the rank for rows, which have no order of their own but the one that B's columns have. So B · A is
# another product than the file's, in that one module.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 numpy==2.4.6 <<'PY'
import torch
from diffusers.loaders.lora_conversion_utils import _convert_bfl_flux_control_lora_to_diffusers

torch.manual_seed(0)
RANK, H = 2, 3072
state = {}


def layer(name, rows, columns):
    state[f"{name}.lora_A.weight"] = torch.randn(RANK, columns)
    state[f"{name}.lora_B.weight"] = torch.randn(rows, RANK)


for name, rows, columns in (("img_in", H, 128), ("txt_in", H, 4096), ("final_layer.linear", 64, H),
                            ("final_layer.adaLN_modulation.1", 2 * H, H)):
    layer(name, rows, columns)
for name, columns in (("time_in", 256), ("vector_in", 768), ("guidance_in", 256)):
    layer(f"{name}.in_layer", H, columns)
    layer(f"{name}.out_layer", H, H)
for block in range(19):
    for part in ("img", "txt"):
        stem = f"double_blocks.{block}.{part}_"
        for name, rows, columns in (("mod.lin", 6, 1), ("attn.qkv", 3, 1), ("attn.proj", 1, 1), ("mlp.0", 4, 1),
                                    ("mlp.2", 1, 4)):
            layer(stem + name, rows * H, columns * H)
        for norm in ("query_norm", "key_norm"):
            state[f"{stem}attn.norm.{norm}.scale"] = torch.ones(128)
for block in range(38):
    for name, rows, columns in (("linear1", 7, 1), ("linear2", 1, 5), ("modulation.lin", 3, 1)):
        layer(f"single_blocks.{block}.{name}", rows * H, columns * H)
    for norm in ("query_norm", "key_norm"):
        state[f"single_blocks.{block}.norm.{norm}.scale"] = torch.ones(128)

a = state["final_layer.adaLN_modulation.1.lora_A.weight"]
b = state["final_layer.adaLN_modulation.1.lora_B.weight"]
found = _convert_bfl_flux_control_lora_to_diffusers(dict(state))
a2 = found["transformer.norm_out.linear.lora_A.weight"]
b2 = found["transformer.norm_out.linear.lora_B.weight"]
meant = (b @ a).roll(H, 0)
print(f"B's halves are exchanged: {torch.equal(b2, b.roll(H, 0))}; A's as well: {torch.equal(a2, a.roll(RANK // 2, 0))}")
error = ((b2 @ a2 - meant).norm() / meant.norm()).item()
print(f"the change of norm_out.linear is {error:.2f} of its own size away from the file's")
print("the surprise holds" if error > 0.1 else "the behaviour has changed")
PY
