#!/usr/bin/env bash
# LyCORIS trains DoRA with one length a row or, with wd_on_output=False, one a column. A file of the
# second kind is saved, and LyCORIS itself can't load it again: it always makes modules for rows.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 lycoris_lora==4.1.3 einops==0.8.2 toml==0.10.2 numpy==2.4.6 <<'PY'
import torch
from lycoris import LycorisNetwork, create_lycoris, create_lycoris_from_weights


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(8, 12, bias=False)


LycorisNetwork.apply_preset({"target_module": ["Linear"], "target_name": [".*"]})
holds = True
for algorithm in ("locon", "lokr"):
    for rows in (True, False):
        network = create_lycoris(
            Model(), 1.0, linear_dim=2, linear_alpha=2, algo=algorithm, factor=2, dora_wd=True,
            wd_on_output=rows)
        network.apply_to()
        saved = network.state_dict()
        shape = list(saved["lycoris_layer.dora_scale"].shape)
        try:
            create_lycoris_from_weights(1.0, None, Model(), weights_sd=saved)
            outcome = "loaded"
        except RuntimeError as error:
            outcome = f"RuntimeError: {error}"
        print(f"{algorithm}, dora_scale {shape}: {outcome}")
        holds &= (outcome == "loaded") == rows
print("the surprise holds" if holds else "the behaviour has changed")
PY
