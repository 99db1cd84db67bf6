#!/usr/bin/env bash
# diffusers hands all of a header's `lora_adapter_metadata` to PEFT's LoraConfig, and saving writes every
# field that the installed PEFT has. So an older PEFT refuses to load a LoRA whose tensors it understands
# because of a field that says nothing; without the header the same tensors load.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import json
import os
import subprocess
import sys

from diffusers import FluxPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tiny_flux import model

OLD = "0.19.1"
subprocess.run(
    [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
     "--target", "old", "peft==" + OLD], check=True, stdout=sys.stderr)
FILE = "/pytorch_lora_weights.safetensors"
READER = """
import dataclasses, sys, peft
from diffusers import FluxPipeline
from tiny_flux import model
if sys.argv[1] == "fields":
    print(*[field.name for field in dataclasses.fields(peft.LoraConfig)])
    sys.exit()
transformer = model()
state, alphas, header = FluxPipeline.lora_state_dict(
    sys.argv[1], return_alphas=True, return_lora_metadata=True)
try:
    FluxPipeline.load_lora_into_transformer(
        state, network_alphas=alphas, transformer=transformer, metadata=header)
    layer = transformer.transformer_blocks[0].attn.to_q
    print("loads, scale", layer.scaling["default_0"])
except Exception as error:
    print(type(error).__name__ + ":", str(error).splitlines()[0])
"""


def read(argument, old):
    environment = {**os.environ, "PYTHONPATH": "old"} if old else dict(os.environ)
    run = subprocess.run([sys.executable, "-c", READER, argument], check=True, text=True,
                         stdout=subprocess.PIPE, env=environment)
    return run.stdout.strip().splitlines()[-1]


trained = model()
trained.add_adapter(
    LoraConfig(r=4, lora_alpha=8, init_lora_weights=False, target_modules=["to_q"]))
FluxPipeline.save_lora_weights(
    "all", transformer_lora_layers=get_peft_model_state_dict(trained),
    transformer_lora_adapter_metadata=trained.peft_config["default"].to_dict())
with safe_open("all" + FILE, "pt") as file:
    header = json.loads(file.metadata()["lora_adapter_metadata"])
old_fields = set(read("fields", True).split())
unknown = {key: value for key, value in header.items() if key.split(".")[1] not in old_fields}
print(f"fields in the header that PEFT {OLD} doesn't know:",
      ", ".join(f"{key.split('.')[1]} = {value}" for key, value in sorted(unknown.items())))
tensors = load_file("all" + FILE)
for folder, kept in [("known", {key: header[key] for key in header if key not in unknown}),
                     ("none", None)]:
    os.mkdir(folder)
    text = {} if kept is None else {"lora_adapter_metadata": json.dumps(kept)}
    save_file(tensors, folder + FILE, {"format": "pt", **text})
found = {}
for folder in ["all", "known", "none"]:
    found[folder] = [read(folder, old) for old in (False, True)]
    print(f"header with {folder} of the fields: PEFT 0.21.2 {found[folder][0]}; "
          f"PEFT {OLD} {found[folder][1]}")
holds = (bool(unknown) and not any(unknown.values()) and found["all"][0] == "loads, scale 2.0"
         and found["all"][1].startswith("TypeError")
         and found["known"] == ["loads, scale 2.0"] * 2 and found["none"] == ["loads, scale 1.0"] * 2)
print("the surprise holds" if holds else "the behaviour has changed")
PY
