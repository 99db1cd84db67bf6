#!/usr/bin/env bash
# In transformers 5 the parameters of Qwen2.5-VL are `model.language_model.…` and `model.visual.…`, but
# save_pretrained writes the names of transformers 4, `model.…` and `visual.…`, while CLIPTextModel is saved
# under its new ones. So a file made of state_dict() and one made by save_pretrained of the same model have no
# name in common but lm_head, and ComfyUI knows those of the second only. transformers loads both.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import torch
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

torch.manual_seed(0)
model = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(
    text_config=dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=4,
                     num_key_value_heads=2, vocab_size=20, bos_token_id=1, eos_token_id=2),
    vision_config=dict(depth=1, hidden_size=8, num_heads=2, out_hidden_size=16, intermediate_size=12)))
state = {name: value.clone() for name, value in model.state_dict().items()}
model.save_pretrained("saved")
saved = load_file("saved/model.safetensors")
print("the model:", next(name for name in state if "q_proj.weight" in name))
print("its file: ", next(name for name in saved if "q_proj.weight" in name))
print("names in common:", sorted(set(state) & set(saved)))
again = Qwen2_5_VLForConditionalGeneration.from_pretrained("saved").state_dict()
save_file(state, "saved/model.safetensors", {"format": "pt"})
other = Qwen2_5_VLForConditionalGeneration.from_pretrained("saved").state_dict()
equal = all(torch.equal(again[n], v) and torch.equal(other[n], v) for n, v in state.items())
print("both files load to the same model:", equal)
holds = equal and set(state) & set(saved) == {"lm_head.weight"}
print("the surprise holds" if holds else "the behaviour has changed")
PY
