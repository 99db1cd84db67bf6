#!/usr/bin/env bash
# In transformers 5 CLIPTextModel has no `text_model.` level any more. So a LoRA of the text encoder that
# PEFT names is `encoder.layers.0…`, where it was `text_model.encoder.layers.0…`, and a saved encoder
# loses the level, too; readers that know the longer names only find nothing. It still loads both.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import os

import torch
from peft import LoraConfig, get_peft_model_state_dict, inject_adapter_in_model
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

torch.manual_seed(0)
model = CLIPTextModel(CLIPTextConfig(
    hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
    vocab_size=99, bos_token_id=97, eos_token_id=98))
model.save_pretrained("new")
saved = load_file("new/model.safetensors")
os.mkdir("old")
save_file({"text_model." + name: value for name, value in saved.items()},
          "old/model.safetensors", {"format": "pt"})
os.link("new/config.json", "old/config.json")
tokens = torch.tensor([[97, 5, 98]])
with torch.no_grad():
    expected = model(tokens).last_hidden_state
    equal = torch.equal(
        CLIPTextModel.from_pretrained("old")(tokens).last_hidden_state, expected)
inject_adapter_in_model(LoraConfig(r=2, target_modules=["q_proj"]), model)
adapter = get_peft_model_state_dict(model)
print("saved encoder:", next(name for name in saved if "q_proj" in name))
print("LoRA:", next(iter(adapter)))
print("a file with the longer names loads to the same encoder:", equal)
holds = equal and not any("text_model." in name for name in [*saved, *adapter])
print("the surprise holds" if holds else "the behaviour has changed")
PY
