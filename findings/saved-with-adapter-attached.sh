#!/usr/bin/env bash
# A transformer that is saved while a LoRA is attached holds `to_q.base_layer.weight` in place of
# `to_q.weight`. diffusers saves it without a warning and loads it with a log line only: the weights of
# every adapted layer are then on the meta device, that is, nowhere. After fuse_lora the names are the
# same although base_layer now has the adapter inside, so a reader can't tell whether to add it.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import warnings

import torch
from diffusers import FluxTransformer2DModel
from peft import LoraConfig
from safetensors.torch import load_file
from tiny_flux import LAYER, model

FILE = "/diffusion_pytorch_model.safetensors"


adapted = model()
adapted.add_adapter(LoraConfig(r=2, init_lora_weights=False, target_modules=["to_q"]))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    adapted.save_pretrained("plain")
    adapted.fuse_lora()
    adapted.save_pretrained("fused")
plain, fused = load_file("plain" + FILE), load_file("fused" + FILE)
names = sorted(name for name in plain if name.startswith(LAYER))
loaded = FluxTransformer2DModel.from_pretrained("plain")
nowhere = [name for name, value in loaded.named_parameters() if value.is_meta]
base = model().get_submodule(LAYER).weight.detach()
print("warnings on saving:", len(caught))
print("saved names:", ", ".join(names))
print("parameters on the meta device after from_pretrained:", len(nowhere))
same = torch.equal(plain[LAYER + ".base_layer.weight"], base)
other = not torch.equal(fused[LAYER + ".base_layer.weight"], base)
print("base_layer is the base's weight: as it was attached", same, "| after fuse_lora", not other)
holds = (not caught and LAYER + ".weight" not in plain and plain.keys() == fused.keys()
         and LAYER + ".weight" in nowhere and same and other)
print("the surprise holds" if holds else "the behaviour has changed")
PY
