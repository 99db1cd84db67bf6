#!/usr/bin/env bash
# A LoKr whose two factors are both whole has the scale alpha / r in PEFT, and 1 in LyCORIS, which
# then ignores alpha: the same numbers and the same alpha are adapters of different strength.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 peft==0.21.2 lycoris_lora==4.1.3 einops==0.8.2 toml==0.10.2 numpy==2.4.6 <<'PY'
import torch
from lycoris.modules.lokr import LokrModule
from peft import LoKrConfig, inject_adapter_in_model

torch.manual_seed(0)
model = torch.nn.ModuleDict({"layer": torch.nn.Linear(64, 64, bias=False)})
plain = model["layer"].weight.detach().clone()
inject_adapter_in_model(
    LoKrConfig(r=64, alpha=16, decompose_factor=4, target_modules=["layer"]), model)
layer = model["layer"]
factors = {key.split(".")[0]: value for key, value in layer.named_parameters() if "lokr" in key}
for value in factors.values():
    torch.nn.init.normal_(value)
unit = torch.eye(64)
of_peft = layer(unit).T - plain

other = torch.nn.Linear(64, 64, bias=False)
other.weight.data.copy_(plain)
w1, w2 = factors["lokr_w1"].data, factors["lokr_w2"].data
with torch.no_grad():
    module = LokrModule.make_module_from_state_dict(
        "layer", other, w1, None, None, w2, None, None, None, None, torch.tensor(16.0), None)
module.apply_to()
of_lycoris = other(unit).T - plain

product = torch.kron(w1, w2)
shares = [(change.norm() / product.norm()).item() for change in (of_peft, of_lycoris)]
print(f"factors {list(w1.shape)} and {list(w2.shape)}, alpha 16, r 64: of kron(w1, w2) PEFT applies "
      f"{shares[0]:.4f}, LyCORIS {shares[1]:.4f}")
holds = abs(shares[0] - 0.25) < 1e-3 and abs(shares[1] - 1) < 1e-3
print("the surprise holds" if holds else "the behaviour has changed")
PY
