#!/usr/bin/env bash
# transformers 5 saves the base of rotary embeddings as `rope_parameters.rope_theta`, and no `rope_theta`
# or `rope_scaling` any more. transformers 4 has no word about the new key: it takes its class's default.
# For Qwen3 that is 10000, where published models have a million and more, so the states are others;
# Qwen2.5-VL's default is the right number, but it loses `mrope_section` and fails at its first use.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import json
import os
import subprocess
import sys

import torch
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLTextModel, Qwen3Config, Qwen3Model

OLD = "4.57.6"
subprocess.run(
    [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
     "--target", "old", "transformers==" + OLD], check=True, stdout=sys.stderr)
SIZES = dict(hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
             num_key_value_heads=2, vocab_size=99, max_position_embeddings=128)
READER = """
import sys, torch, transformers
kind, folder = sys.argv[1:]
assert transformers.__version__.startswith("4."), transformers.__version__
model = getattr(transformers, kind).from_pretrained(folder)
print("base", model.config.rope_theta)
try:
    with torch.no_grad():
        torch.save(model(torch.arange(64)[None]).last_hidden_state, folder + "/states.pt")
except TypeError as error:
    print("TypeError:", error)
"""


def read(kind, folder):
    run = subprocess.run([sys.executable, "-c", READER, kind, folder], check=True, text=True,
                         stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "old"})
    return run.stdout.strip().splitlines()


torch.manual_seed(0)
model = Qwen3Model(Qwen3Config(
    head_dim=16, rope_parameters={"rope_type": "default", "rope_theta": 1e6}, **SIZES))
with torch.no_grad():
    for name, value in model.named_parameters():
        if value.dim() > 1:
            value.normal_(std=0.2)
    model.save_pretrained("moved")
    model.save_pretrained("both")
    expected = model(torch.arange(64)[None]).last_hidden_state
with open("moved/config.json") as file:
    config = json.load(file)
print("saved by transformers 5:", {key: value for key, value in config.items() if "rope" in key})
with open("both/config.json", "w") as file:
    json.dump({**config, "rope_theta": 1e6}, file)
away, base = {}, {}
for folder in ["moved", "both"]:
    base[folder] = read("Qwen3Model", folder)[0]
    states = torch.load(folder + "/states.pt")
    away[folder] = ((states - expected).norm() / expected.norm()).item()
print(f"Qwen3 in transformers {OLD}: {base['moved']}, states {100 * away['moved']:.1f} % away")
print(f"the same with rope_theta besides: {base['both']}, {100 * away['both']:.1f} % away")
text = Qwen2_5_VLConfig(text_config=dict(SIZES, rope_parameters={
    "rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]})).text_config
Qwen2_5_VLTextModel(text).save_pretrained("vision")
found = read("Qwen2_5_VLTextModel", "vision")
print(f"Qwen2.5-VL in transformers {OLD}:", ", ".join(found))
holds = ("rope_theta" not in config and base["moved"] == "base 10000.0" and away["moved"] > 0.01
         and away["both"] < 1e-4 and found[-1].startswith("TypeError"))
print("the surprise holds" if holds else "the behaviour has changed")
PY
