"""Figures of an evaluation from its pictures and latents, independently of the toolkit's code."""
import csv
import json
import struct
import sys
from collections import defaultdict

import numpy as np
from PIL import Image

folder, checker_file = sys.argv[1:3]
report = json.load(open(f"{folder}/results.json"))
rows = defaultdict(list)
for row in csv.DictReader(open(f"{folder}/results.csv")):
    rows[row["arm"]].append(row)
prompts, seeds = len(report["prompts"]), report["seeds"]
worst = defaultdict(float)


def tensor(file, name):
    data = open(file, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:8 + size])[name]
    assert entry["dtype"] == "F32"
    begin, end = entry["data_offsets"]
    return np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(entry["shape"]).astype(float)


def psnr(peak, mean):
    return 10 * np.log10(peak ** 2 / mean)


def frechet(a, b):
    """As the world's scripts/checker.py has it: roots of eigenvalues of covariances."""
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    w, v = np.linalg.eigh(ca)
    root = (v * np.sqrt(np.clip(w, 0, None))) @ v.T
    trace = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cb @ root), 0, None)).sum()
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * trace


def pooled(z, count):
    """Means over squares: as many as leave `count` numbers a picture."""
    n, c, h, w = z.shape
    parts = count // c
    k = int(round(np.sqrt(parts * h / w)))
    return z.reshape(n, c, k, h // k, parts // k, w // (parts // k)).mean((3, 5)).reshape(n, count)


def spread(z):
    d = z[:, :, None] - z[:, None]
    d = np.sqrt((d ** 2).reshape(*d.shape[:3], -1).mean(-1))
    return d.sum((1, 2)) / (seeds * (seeds - 1))


def classes(pictures):
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    from safetensors.torch import load_file
    weights = load_file(checker_file)
    body = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2), nn.ReLU(), nn.Conv2d(24, 48, 3, 2, 1), nn.ReLU(),
                         nn.Conv2d(48, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2304, 128), nn.ReLU())
    body.load_state_dict({k[5:]: v for k, v in weights.items() if k.startswith("body.")})
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        h = body(F.avg_pool2d(x, 2) if x.shape[-1] == 96 else x)
        return np.stack([F.linear(h, weights[f"heads.{i}.weight"], weights[f"heads.{i}.bias"]).argmax(1).numpy()
                         for i in range(8)], 1)


def bootstrap(num, den, figure):
    """Percentiles of 4000 draws of one less than the runs, prompts and seeds, by NumPy's own generator."""
    rng = np.random.default_rng(1)
    num = num.reshape(-1, prompts, seeds)
    den = np.broadcast_to(den, num.size).reshape(num.shape)
    out = []
    for _ in range(4000):
        picked = np.ix_(*[rng.integers(0, count, max(1, count - 1)) for count in num.shape])
        out.append(figure(num[picked].sum() / den[picked].sum()))
    return np.percentile(out, [2.5, 97.5])


def note(key, found, expected):
    worst[key] = max(worst[key], abs(found - expected))


HEADS = dict(layout=[0], background=[1], size=[2, 5], color=[3, 6], shape=[4, 7])
teacher = report["arms"][0]
z_teacher = tensor(f"{folder}/{teacher['runs'][0]['latents']}", "latents")
x_teacher = np.stack([np.asarray(Image.open(f"{folder}/{r['picture']}")) for r in rows[teacher["name"]]])
peak = z_teacher.max() - z_teacher.min()
note("latent range", report["latent_range"], peak)
per_picture = {}
for arm in report["arms"]:
    runs = len(arm["runs"])
    z = np.concatenate([tensor(f"{folder}/{run['latents']}", "latents") for run in arm["runs"]])
    z0, x0 = np.concatenate([z_teacher] * runs), np.concatenate([x_teacher] * runs)
    x = np.stack([np.asarray(Image.open(f"{folder}/{r['picture']}")) for r in rows[arm["name"]]])
    e = ((z - z0) ** 2).reshape(len(z), -1).mean(1)
    cos = (z * z0).reshape(len(z), -1).sum(1) / np.sqrt((z ** 2).reshape(len(z), -1).sum(1) * (z0 ** 2).reshape(len(z), -1).sum(1))
    p = ((x.astype(float) - x0) ** 2).reshape(len(x), -1).mean(1)
    figures, terms = arm["figures"], {}
    if arm is not teacher:
        terms = dict(latent_rmse=(e, 1, np.sqrt), latent_cosine=(cos, 1, lambda m: m),
                     latent_psnr=(e, 1, lambda m: psnr(peak, m)), pixel_psnr=(p, 1, lambda m: psnr(255, m)))
        note("Fréchet distance", arm["frechet"]["distance"],
             frechet(pooled(z, report["frechet_features"]), pooled(z_teacher, report["frechet_features"])))
    if "all_right" in figures:
        y = np.array([[int(c) for c in r["labels"].split()] for r in rows[arm["name"]]])
        got = classes(x)
        ok, seen = got == y, y >= 0
        terms["all_right"] = ((ok | ~seen).all(1).astype(float), 1, lambda m: m)
        terms["attributes"] = ((ok & seen).sum(1).astype(float), seen.sum(1).astype(float), lambda m: m)
        for name, heads in HEADS.items():
            terms[name] = ((ok & seen)[:, heads].sum(1).astype(float), seen[:, heads].sum(1).astype(float), lambda m: m)
    if "diversity" in figures:
        a, b = (spread(t.reshape(-1, seeds, *t.shape[1:])) for t in (z, z0))
        note("diversity", figures["diversity"]["value"], a.sum() / b.sum())
    for name, (num, den, figure) in terms.items():
        per_picture[arm["name"], name] = (num, den, figure)
        value = figure(num.sum() / np.broadcast_to(den, num.shape).sum())
        note(name, figures[name]["value"], value)
        if report["resamples"] and figures[name]["low"] is not None:
            low, high = bootstrap(num, den, figure)
            width = high - low
            if width == 0:
                note("width of an interval that is a point", figures[name]["high"] - figures[name]["low"], 0)
                continue
            if np.abs(num).max() > 0 and (num == num.round()).all() and width < 10 / np.broadcast_to(den, num.shape).sum():
                continue  # a share of so few wrong that percentiles jump from one to the next
            note("centre of the interval, in widths", (figures[name]["low"] + figures[name]["high"]) / 2 / width, (low + high) / 2 / width)
            note("width of the interval, in widths", (figures[name]["high"] - figures[name]["low"]) / width, 1)
for arm in report["arms"]:
    for against in arm["against_plain"]:
        for name, figure in against["figures"].items():
            if name == "diversity":
                continue
            (n, d, f), (m, c, g) = per_picture[arm["name"], name], per_picture[against["arm"], name]
            note("difference of " + name, figure["value"],
                 f(n.sum() / np.broadcast_to(d, n.shape).sum()) - g(m.sum() / np.broadcast_to(c, m.shape).sum()))
print(f"{folder}: {len(report['arms'])} arms, {prompts} prompts, {seeds} seeds; largest differences:")
for key, value in worst.items():
    print(f"  {key:40} {value:.2e}")
limits = {"centre of the interval, in widths": 0.1, "width of the interval, in widths": 0.15}
bad = [k for k, v in worst.items() if not v <= limits.get(k, 1e-6)]
if bad:
    sys.exit("not the same: " + ", ".join(bad))
