"""Compares what the commands write with what diffusers makes of it; see tools/check-with-diffusers.

    check_with_diffusers.py FOLDER_OF_COMMANDS WORKING_FOLDER
"""

import pathlib
import subprocess
import sys
import warnings

import torch
from diffusers import FluxPipeline, QwenImagePipeline
from safetensors.torch import load_file, save_file

COMMANDS, WORK = map(pathlib.Path, sys.argv[1:3])
CAPTION = pathlib.Path("models/sample/00.txt").read_text().strip()
SIGMAS = [1.0, 0.95, 0.9, 0.7, 0.4, 0.1]  # three for the slow expert, three for the fast one
RESULTS = []


def check(name, value, limit):
    passed = bool(value <= limit)
    RESULTS.append(passed)
    print(f"{'PASS' if passed else 'FAIL'}  {name}: {value:.3g} (at most {limit:.3g})", flush=True)


def run(command, *arguments):
    subprocess.run([COMMANDS / command, "--quiet", *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


def error(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


def pack(z):
    b, c, h, w = z.shape
    return z.reshape(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(b, -1, c * 4)


def unpack(tokens, h, w):
    b, _, c = tokens.shape
    return tokens.reshape(b, h // 2, w // 2, c // 4, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(
        b, c // 4, h, w)


class Family:
    """One of the shipped models, loaded by diffusers in float32."""

    def __init__(self, name, folder, pipeline):
        self.name, self.folder, self.cls = name, folder, pipeline
        self.pipe = self.load(folder)

    def load(self, folder):
        pipe = self.cls.from_pretrained(folder, torch_dtype=torch.float32)
        pipe.set_progress_bar_config(disable=True)
        return pipe

    @torch.no_grad()
    def velocity(self, net, tokens, sigma, cfg):
        t = torch.tensor([sigma])
        if self.name == "flux1":
            text, pooled, _ = self.pipe.encode_prompt(CAPTION, prompt_2=CAPTION, max_sequence_length=24)
            ids = torch.zeros(6, 6, 3)
            ids[..., 1], ids[..., 2] = torch.arange(6)[:, None], torch.arange(6)[None]
            return net(hidden_states=tokens, timestep=t, guidance=torch.tensor([3.5]),
                       pooled_projections=pooled, encoder_hidden_states=text,
                       txt_ids=torch.zeros(text.shape[1], 3), img_ids=ids.reshape(-1, 3),
                       return_dict=False)[0]

        def one(prompt):
            text, mask = self.pipe.encode_prompt(prompt)
            return net(hidden_states=tokens, timestep=t, encoder_hidden_states=text,
                       encoder_hidden_states_mask=mask, img_shapes=[(1, 6, 6)],
                       return_dict=False)[0]

        positive = one(CAPTION)
        if cfg == 1:
            return positive
        negative = one(" ")
        guided = negative + cfg * (positive - negative)
        return guided * positive.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True)

    def sample(self, noise, cfg):
        """Euler steps, changing adapters as the phase changes."""
        tokens = pack(noise)
        for i, sigma in enumerate(SIGMAS):
            self.pipe.set_adapters(["slow" if i < 3 else "fast"])
            following = SIGMAS[i + 1] if i + 1 < len(SIGMAS) else 0.0
            tokens = tokens + (following - sigma) * self.velocity(
                self.pipe.transformer, tokens, sigma, cfg)
        return unpack(tokens, 12, 12)


def check_adapter(family, file, phase):
    tensors = load_file(file)
    modules = {key.rsplit(".lora_", 1)[0].removeprefix("transformer.") for key in tensors}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        family.pipe.load_lora_weights(str(file), adapter_name=phase)
    layers = {name: layer for name, layer in family.pipe.transformer.named_modules()
              if hasattr(layer, "lora_A") and phase in layer.lora_A}
    check(f"{family.name} {phase}: modules that diffusers does not load",
          len(modules ^ set(layers)), 0)
    check(f"{family.name} {phase}: warnings about keys",
          sum("key" in str(w.message).lower() for w in caught), 0)
    state = load_file(newest_state(file, phase))
    scale = 4.0  # alpha = 4 · rank while training
    worst = 0.0
    for name, layer in layers.items():
        found = layer.scaling[phase] * layer.lora_B[phase].weight @ layer.lora_A[phase].weight
        worst = max(worst, error(found, scale * state[f"{name}.B"] @ state[f"{name}.A"]))
    check(f"{family.name} {phase}: effective delta against the trained factors", worst, 1e-6)


def newest_state(file, phase):
    return sorted((file.parent / f"x-{phase}.state").glob("step-*.safetensors"))[-1]


def check_family(family):
    out = WORK / family.name
    run("glance-train-lora", "--model", family.folder, "--image", "models/sample/00.png",
        "--caption", CAPTION, "--steps", 12, "--output", out, "--name", "x")
    slow, fast = out / "x-slow.safetensors", out / "x-fast.safetensors"
    check_adapter(family, slow, "slow")
    check_adapter(family, fast, "fast")

    bundle = out / "x.safetensors"
    run("glance-merge", "--mode", "bundle", slow, fast, "--output", bundle)
    run("glance-merge", "--mode", "split", bundle, "--output", out / "split")
    check(f"{family.name}: experts that differ after bundling and splitting", sum(
        (out / "split" / f.name).read_bytes() != f.read_bytes() for f in (slow, fast)), 0)
    try:
        family.load(family.folder).load_lora_weights(str(bundle))
        refused = 1
    except Exception:
        refused = 0
    check(f"{family.name}: a bundle taken for one adapter", refused, 0)

    noise = torch.randn(1, 16, 12, 12, generator=torch.Generator().manual_seed(5))
    save_file({"latents": noise}, WORK / "noise.safetensors")
    schedule = "|".join(",".join(map(str, part)) for part in (SIGMAS[:3], SIGMAS[3:]))
    for cfg in [1.0] if family.name == "flux1" else [1.0, 4.0]:
        run("glance-sample", "--model", family.folder, "--size", "96x96", "--prompt", CAPTION,
            "--adapter", bundle, "--schedule", schedule, "--cfg", cfg,
            *(["--guidance", 3.5] if family.name == "flux1" else []),
            "--latents", WORK / "noise.safetensors", "--force",
            "--save-latents", out / "end.safetensors", "--output", out / "end.png")
        found = load_file(out / "end.safetensors")["latents"]
        check(f"{family.name} cfg {cfg:g}: latents after both phases", error(
            found, family.sample(noise, cfg)), 1e-5)

    run("glance-merge", family.folder, bundle, "--phase", "slow", "--output", out / "baked")
    family.pipe.set_adapters(["slow"])
    tokens = pack(noise)
    adapted = family.velocity(family.pipe.transformer, tokens, 0.9, 1)
    family.pipe.disable_lora()
    base = family.velocity(family.pipe.transformer, tokens, 0.9, 1)
    baked = family.velocity(family.load(out / "baked").transformer, tokens, 0.9, 1)
    effect = error(adapted, base)
    check(f"{family.name}: baked forward against base + adapter, as a share of the adapter's "
          f"effect ({effect:.3g})", error(baked, adapted) / effect, 0.1)


for family in [Family("flux1", "models/tiny-flux", FluxPipeline),
               Family("qwen-image", "models/tiny-qwen-image", QwenImagePipeline)]:
    check_family(family)
print(f"{sum(RESULTS)} passed, {len(RESULTS) - sum(RESULTS)} failed")
sys.exit(0 if all(RESULTS) else 1)
