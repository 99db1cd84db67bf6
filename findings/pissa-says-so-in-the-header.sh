#!/usr/bin/env bash
# PiSSA starts a LoRA from the strongest part of the weights and takes that part out of the base. A file
# that diffusers saves is then a difference to that other base, and only a word in the header's JSON
# (`init_lora_weights`) says so. With the header diffusers takes the part out again on loading, and does
# not put it back when the adapter is unloaded; without it, as for any loader that reads tensors only,
# the same tensors give other weights.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import json
import os

import torch
from diffusers import FluxPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_flux import LAYER, distance, model

FILE = "/pytorch_lora_weights.safetensors"


def weight(transformer):
    layer = transformer.get_submodule(LAYER)
    if not hasattr(layer, "base_layer"):
        return layer.weight.detach()
    name = next(iter(layer.lora_A))
    return (layer.base_layer.weight + layer.get_delta_weight(name)).detach()


base = weight(model())
trained = model()
trained.add_adapter(
    LoraConfig(r=4, lora_alpha=4, init_lora_weights="pissa", target_modules=["to_q"]))
with torch.no_grad():  # stands for training
    for name, value in trained.named_parameters():
        if "lora_A" in name:
            value += 0.01 * torch.randn_like(value)
FluxPipeline.save_lora_weights(
    "with", transformer_lora_layers=get_peft_model_state_dict(trained),
    transformer_lora_adapter_metadata=trained.peft_config["default"].to_dict())
os.mkdir("without")
save_file(load_file("with" + FILE), "without" + FILE, {"format": "pt"})
with safe_open("with" + FILE, "pt") as file:
    header = json.loads(file.metadata()["lora_adapter_metadata"])
    endings = sorted({name.split(".lora_")[1] for name in file.keys()})
print("tensors of a module:", endings, "| header:", header["transformer.init_lora_weights"])

loaded = {}
for folder in ["with", "without"]:
    transformer = model()
    state, alphas, metadata = FluxPipeline.lora_state_dict(
        folder, return_alphas=True, return_lora_metadata=True)
    FluxPipeline.load_lora_into_transformer(
        state, network_alphas=alphas, transformer=transformer, metadata=metadata)
    loaded[folder] = distance(weight(transformer), weight(trained))
    transformer.unload_lora()
    loaded[folder + ", unloaded"] = distance(weight(transformer), base)
    print(f"loaded {folder} the header: {100 * loaded[folder]:.1f} % away from the trained weights, "
          f"unloaded again {100 * loaded[folder + ', unloaded']:.1f} % away from the base")
holds = (endings == ["A.weight", "B.weight"] and loaded["with"] < 1e-5
         and loaded["without"] > 0.1 and loaded["with, unloaded"] > 0.1
         and loaded["without, unloaded"] == 0)
print("the surprise holds" if holds else "the behaviour has changed")
PY
