#!/usr/bin/env bash
# PyTorch casts to its two eight-bit types differently: to float8_e4m3fn everything too large, infinity
# included, becomes the greatest number, 448; to float8_e5m2 it becomes infinity. So a cast that has
# overflowed can't be found afterwards by looking for numbers that are not finite.
. "$(dirname "${BASH_SOURCE[0]}")/common.bash"
finding torch==2.13.0 numpy==2.4.6 <<'PY'
import torch

values = torch.tensor([448.0, 500.0, 1e5, float("inf")])
found = {kind: values.to(kind).float().tolist()
         for kind in (torch.float8_e4m3fn, torch.float8_e5m2)}
print("from:", values.tolist())
for kind, cast in found.items():
    print(f"to {kind}: {cast}")
holds = (found[torch.float8_e4m3fn] == [448.0] * 4
         and found[torch.float8_e5m2] == [448.0, 512.0, float("inf"), float("inf")])
print("the surprise holds" if holds else "the behaviour has changed")
PY
