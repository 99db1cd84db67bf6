#!/usr/bin/env bash
# LyCORIS's get_diff_weight and get_merged_weight multiply LoHa and LoKr by alpha / rank twice; its
# forward pass, with which the adapter was trained, does it once. A merge made by the former is weaker
# by that factor than what was trained.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 lycoris_lora==4.1.3 numpy==2.4.6 <<'PY'
import torch
from lycoris.modules.loha import LohaModule
from lycoris.modules.lokr import LokrModule

holds = True
for kind, options in [(LohaModule, {}), (LokrModule, {"factor": 4})]:
    torch.manual_seed(0)
    layer = torch.nn.Linear(64, 64, bias=False)
    adapter = kind("layer", layer, multiplier=1.0, lora_dim=4, alpha=1, **options)
    for value in adapter.parameters():
        if value.dim() > 1:
            torch.nn.init.normal_(value)
    unit = torch.eye(64)
    plain = layer(unit).T
    difference = adapter.get_diff_weight(1.0)[0]
    merged = adapter.get_merged_weight(1.0)[0] - plain
    adapter.apply_to()
    forward = layer(unit).T - plain
    found = [(part.norm() / forward.norm()).item() for part in (difference, merged)]
    print(f"{kind.__name__}: alpha / rank = {adapter.scale}; of the forward pass's change "
          f"get_diff_weight has {found[0]:.4f}, get_merged_weight {found[1]:.4f}")
    holds &= all(abs(value - adapter.scale) < 1e-3 for value in found)
print("the surprise holds" if holds else "the behaviour has changed")
PY
