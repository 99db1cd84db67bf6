#!/usr/bin/env bash
# An alpha tensor beside factors with diffusers' names means four things to diffusers. FLUX.1: it is
# applied with lora_A and lora_B, lost without a word with lora_down and lora_up, and an error where the
# header describes the adapter, too. Qwen-Image: it makes every module's name wrong, and loading fails.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import json
import os
import warnings

import torch
from diffusers import FluxPipeline, QwenImagePipeline, QwenImageTransformer2DModel
from safetensors.torch import save_file
from tiny_flux import LAYER, model as flux

warnings.simplefilter("ignore")
FILE = "/pytorch_lora_weights.safetensors"


def qwen():
    return QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, axes_dims_rope=(4, 6, 6))


def scale(pipeline, transformer, folder):
    """alpha / rank as it acts, or the error's name."""
    try:
        if pipeline is FluxPipeline:
            state, alphas, header = pipeline.lora_state_dict(
                folder, return_alphas=True, return_lora_metadata=True)
            pipeline.load_lora_into_transformer(
                state, network_alphas=alphas, transformer=transformer, metadata=header)
        else:
            state, header = pipeline.lora_state_dict(folder, return_lora_metadata=True)
            pipeline.load_lora_into_transformer(state, transformer=transformer, metadata=header)
    except Exception as error:
        print(" ", type(error).__name__ + ":", str(error)[:100])
        return "error"
    layer = transformer.get_submodule(LAYER)
    if not hasattr(layer, "lora_A"):
        return "nothing loaded"
    found = layer.get_delta_weight("default_0")
    return round((found.norm() / (B @ A).norm()).item(), 4)


A, B = torch.randn(4, 32), torch.randn(32, 4)
HEADER = {"format": "pt", "lora_adapter_metadata": json.dumps(
    {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.target_modules": ["to_q"]})}
found = {}
for case, endings, alpha, header in [
        ("lora_A, lora_B", ("A", "B"), False, None),
        ("lora_A, lora_B, alpha", ("A", "B"), True, None),
        ("lora_down, lora_up, alpha", ("down", "up"), True, None),
        ("lora_A, lora_B, alpha, header", ("A", "B"), True, HEADER)]:
    tensors = {f"transformer.{LAYER}.lora_{ending}.weight": value
               for ending, value in zip(endings, (A, B))}
    if alpha:
        tensors[f"transformer.{LAYER}.alpha"] = torch.tensor(8.0)
    os.mkdir(case)
    save_file(tensors, case + FILE, header or {"format": "pt"})
    for family, pipeline, model in [
            ("FLUX.1", FluxPipeline, flux), ("Qwen-Image", QwenImagePipeline, qwen)]:
        found[family, case] = scale(pipeline, model(), case)
        print(f"{family}, {case}: scale {found[family, case]}")
holds = (list(found.values()) == [1.0, 1.0, 2.0, "error", 1.0, "error", "error", "error"])
print("the surprise holds" if holds else "the behaviour has changed")
PY
