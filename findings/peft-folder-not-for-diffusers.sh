#!/usr/bin/env bash
# A transformer that is trained with PEFT's own get_peft_model is saved with `base_model.model.` before its
# names, and alpha in adapter_config.json. diffusers, which loads LoRAs by PEFT, doesn't load that file: for
# FLUX.1 it takes it for an adapter in another model's names and fails, for Qwen-Image it loads nothing
# and goes on. With `transformer.` in place of the prefix it loads, at another strength, since it never
# opens adapter_config.json.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import os
import shutil
import warnings

import torch
from diffusers import FluxPipeline, QwenImagePipeline, QwenImageTransformer2DModel
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_flux import LAYER, model as flux

warnings.simplefilter("ignore")
FILE = "adapter_model.safetensors"


def qwen():
    return QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, axes_dims_rope=(4, 6, 6))


def load(pipeline, transformer, folder):
    """The scale that acts, None where nothing is loaded, or the error's name."""
    try:
        if pipeline is FluxPipeline:
            state, alphas = pipeline.lora_state_dict(folder, weight_name=FILE, return_alphas=True)
            pipeline.load_lora_into_transformer(
                state, network_alphas=alphas, transformer=transformer)
        else:
            state = pipeline.lora_state_dict(folder, weight_name=FILE)
            pipeline.load_lora_into_transformer(state, transformer=transformer)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    layer = transformer.get_submodule(LAYER)
    return layer.scaling["default_0"] if hasattr(layer, "scaling") else None


found = {}
for family, pipeline, model in [
        ("FLUX.1", FluxPipeline, flux), ("Qwen-Image", QwenImagePipeline, qwen)]:
    trained = get_peft_model(
        model(), LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, target_modules=["to_q"]))
    scale = trained.base_model.model.get_submodule(LAYER).scaling["default"]
    trained.save_pretrained(family)
    tensors = load_file(f"{family}/{FILE}")
    os.mkdir(family + " renamed")
    shutil.copy(family + "/adapter_config.json", family + " renamed")
    save_file({name.replace("base_model.model.", "transformer.", 1): value
               for name, value in tensors.items()}, f"{family} renamed/{FILE}", {"format": "pt"})
    found[family] = [scale, load(pipeline, model(), family),
                     load(pipeline, model(), family + " renamed")]
    print(f"{family}: trained with scale {scale}; as saved: {found[family][1]}; "
          f"renamed: {found[family][2]}")
holds = (str(found["FLUX.1"][1]).startswith("KeyError") and found["Qwen-Image"][1] is None
         and all((scale, renamed) == (2.0, 1.0) for scale, _, renamed in found.values()))
print("the surprise holds" if holds else "the behaviour has changed")
PY
