#!/usr/bin/env bash
# DoRA's magnitudes have two names for one thing. diffusers loads PEFT's `.lora_magnitude_vector`;
# kohya's `.dora_scale` it drops with a warning, and applies the rest, which is another change, as a
# plain LoRA.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import os

import torch
from diffusers import FluxPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from tiny_flux import distance, model

FILE = "/pytorch_lora_weights.safetensors"


trained = model()
trained.add_adapter(
    LoraConfig(r=4, lora_alpha=4, use_dora=True, init_lora_weights=False, target_modules=["to_q"]))
with torch.no_grad():  # stands for training
    for name, value in trained.named_parameters():
        if "magnitude" in name:
            value *= 1.2
FluxPipeline.save_lora_weights(
    "peft", transformer_lora_layers=get_peft_model_state_dict(trained))
tensors = load_file("peft" + FILE)
os.mkdir("kohya")
save_file(
    {name.replace("lora_magnitude_vector", "dora_scale"): value for name, value in tensors.items()},
    "kohya" + FILE, {"format": "pt"})


def output(transformer):
    with torch.no_grad():
        return transformer.transformer_blocks[0].attn.to_q(torch.eye(32))


away = {}
for folder in ["peft", "kohya"]:
    transformer = model()
    state, alphas = FluxPipeline.lora_state_dict(folder, return_alphas=True)
    FluxPipeline.load_lora_into_transformer(
        state, network_alphas=alphas, transformer=transformer)
    away[folder] = distance(output(transformer), output(trained))
print(f"lora_magnitude_vector: {100 * away['peft']:.1f} % away from the trained layer")
print(f"dora_scale: {100 * away['kohya']:.1f} % away from the trained layer")
holds = away["peft"] < 1e-5 and away["kohya"] > 0.05
print("the surprise holds" if holds else "the behaviour has changed")
PY
