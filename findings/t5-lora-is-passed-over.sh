#!/usr/bin/env bash
# diffusers' FLUX.1 pipeline loads a LoRA's parts for the transformer and for CLIP. What the same file has for T5
# (text_encoder_2) is neither applied nor spoken of: no error, no warning, and T5 computes what it did before. Of
# a file that has nothing else it says that keys of the other two are missing, and ends well.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 peft==0.21.2 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import logging

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from safetensors.torch import save_file
from tiny_flux import LAYER, distance, model
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

torch.manual_seed(0)
clip = CLIPTextModel(CLIPTextConfig(
    hidden_size=32, intermediate_size=32, num_attention_heads=4, num_hidden_layers=1,
    vocab_size=100, bos_token_id=0, eos_token_id=1)).eval()
t5 = T5EncoderModel(T5Config(
    d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=4, vocab_size=100)).eval()
pipeline = FluxPipeline(
    scheduler=FlowMatchEulerDiscreteScheduler(), vae=None, text_encoder=clip, tokenizer=None,
    text_encoder_2=t5, tokenizer_2=None, transformer=model())


def pair(stem):
    return {f"{stem}.lora_A.weight": torch.randn(2, 32), f"{stem}.lora_B.weight": torch.randn(32, 2)}


def first(module, ending):
    return next(name for name, _ in module.named_modules() if name.endswith(ending))


parts = {
    "transformer": pair("transformer." + LAYER),
    "text_encoder": pair("text_encoder." + first(clip, "q_proj")),
    "text_encoder_2": pair("text_encoder_2." + first(t5, "SelfAttention.q")),
}
said = []


class Listener(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())


logging.getLogger("diffusers").addHandler(Listener())
tokens = torch.arange(7)[None]


def texts():
    with torch.no_grad():
        return clip(tokens)[0], t5(tokens)[0]


def load(names):
    said.clear()
    save_file({key: value for name in names for key, value in parts[name].items()},
              "lora.safetensors")
    before = texts()
    pipeline.load_lora_weights(".", weight_name="lora.safetensors")
    changes = [distance(new, old) for new, old in zip(texts(), before)]
    pipeline.unload_lora_weights()
    print(" and ".join(names) + ": CLIP's states change by %.2f, T5's by %.2f;" % tuple(changes),
          "said of T5:", any("text_encoder_2" in line or "T5" in line for line in said))
    return changes, list(said)


(of_clip, of_t5), all_said = load(list(parts))
(_, alone), alone_said = load(["text_encoder_2"])
quiet = not any("text_encoder_2" in line or "T5" in line for line in all_said + alone_said)
print("messages of the whole file:", len(all_said), "and of T5's part alone:", len(alone_said))
holds = of_clip > 0.01 and of_t5 == 0 and alone == 0 and quiet
print("the surprise holds" if holds else "the behaviour has changed")
PY
