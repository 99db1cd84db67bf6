#!/usr/bin/env bash
# A FLUX.1 LoRA in kohya's names may adapt what lies outside the blocks, such as lora_unet_img_in. diffusers
# translates those names to its own, too, but without the `transformer.` by which it picks keys afterwards:
# the modules are gone, and where others of the file are loaded, no line of its log says so.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import logging
import os
import warnings

import torch
import diffusers
from diffusers import FluxPipeline
from safetensors.torch import save_file
from tiny_flux import model

INSIDE = {"double_blocks_0_img_attn_proj": ("transformer_blocks.0.attn.to_out.0", 32, 32)}
OUTSIDE = {"img_in": ("x_embedder", 32, 16), "txt_in": ("context_embedder", 32, 32),
           "final_layer_linear": ("proj_out", 16, 32)}
tensors = {}
for name, (_, rows, columns) in {**INSIDE, **OUTSIDE}.items():
    tensors[f"lora_unet_{name}.lora_down.weight"] = torch.randn(4, columns)
    tensors[f"lora_unet_{name}.lora_up.weight"] = torch.randn(rows, 4)
    tensors[f"lora_unet_{name}.alpha"] = torch.tensor(4.0)
os.mkdir("lora")
save_file(tensors, "lora/pytorch_lora_weights.safetensors", {"format": "pt"})
transformer = model()
lines = []
handler = logging.Handler()
handler.emit = lambda record: lines.append(record.getMessage())
diffusers.utils.logging.set_verbosity_info()
diffusers.utils.logging.add_handler(handler)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    state, alphas = FluxPipeline.lora_state_dict("lora", return_alphas=True)
    FluxPipeline.load_lora_into_transformer(
        state, network_alphas=alphas, transformer=transformer)
adapted = [name for name, module in transformer.named_modules() if hasattr(module, "lora_A")]
words = lines + [str(warning.message) for warning in caught]
told = [line for line in words if any(name in line for name, _, _ in OUTSIDE.values())]
print("modules in the file:", ", ".join(tensor[:-6] for tensor in tensors if "alpha" in tensor))
print("translated:", ", ".join(name[:-14] for name in state if "lora_A" in name))
print("adapted after loading:", ", ".join(adapted))
print(f"lines of the log and warnings: {len(words)}, that name what is missing: {len(told)}")
holds = (not told and adapted == [path for path, _, _ in INSIDE.values()]
         and all(path + ".lora_A.weight" in state for path, _, _ in OUTSIDE.values()))
print("the surprise holds" if holds else "the behaviour has changed")
PY
