#!/usr/bin/env bash
# diffusers' converter of Wan's and Qwen-Image's VAE knows the decoder's positions of the published size by
# heart. For a VAE with another number of blocks a level it makes names that no model has, or takes a block for
# one of another level, and says nothing. (Positions count through: a level has one block more than
# num_res_blocks, and all levels but the last a sampler.)
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 diffusers==0.42.1 transformers==5.24.0 safetensors==0.8.0 <<'PY'
import torch
from diffusers import AutoencoderKLQwenImage
from diffusers.loaders.single_file_utils import convert_wan_vae_to_diffusers

def decoder(blocks):
    """Names of Wan's decoder blocks, and those that diffusers' model has for them."""
    names = {}
    for level in range(4):
        first = level * (blocks + 2)
        for block in range(blocks + 1):
            names[f"decoder.upsamples.{first + block}.residual.2.weight"] = (
                f"decoder.up_blocks.{level}.resnets.{block}.conv1.weight")
        if level < 3:
            names[f"decoder.upsamples.{first + blocks + 1}.resample.1.weight"] = (
                f"decoder.up_blocks.{level}.upsamplers.0.resample.1.weight")
    return names

def wrong(blocks):
    names = decoder(blocks)
    with torch.device("meta"):
        model = AutoencoderKLQwenImage(base_dim=8, z_dim=4, num_res_blocks=blocks, latents_mean=[0] * 4, latents_std=[1] * 4)
    assert set(names.values()) <= set(model.state_dict())
    made = convert_wan_vae_to_diffusers({name: name for name in names})
    found = {source: name for name, source in made.items()}
    bad = [name for name in names if found.get(name) != names[name]]
    print(f"{blocks} blocks a level: {len(bad)} of {len(names)} wrong",
          f"such as {bad[0]} -> {found.get(bad[0])}" if bad else "")
    return len(bad)

holds = wrong(2) == 0 and wrong(1) > 0
print("the surprise holds" if holds else "the behaviour has changed")
PY
