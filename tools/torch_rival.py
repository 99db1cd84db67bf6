"""Times PyTorch for glance-bench --python, which holds this text and gives it to that Python.

Every line of standard input is a request, and its answer is a line of standard output, both JSON; the
end of the input ends it. Work is prepared first, so that a run is nothing but the work:

    {"op": "hello", "threads": 2, "packages": ["torch"]}
        {"versions": {"Python": "3.11.7", "torch": "2.15.0"}} or {"missing": ["torch"]}
    {"op": "prepare", "subject": "gemm", "arguments": {...}}    {"id": 1}, of models with memory
    {"op": "run", "id": 1}                                      {"seconds": ..., "cpu_seconds": ...}
    {"op": "drop", "id": 1}                                     {}

A subject is a function below, and its arguments are the function's. What fails answers {"error": "..."}.
tools/time-torch-step takes its step from here.
"""

import ctypes
import importlib
import json
import os
import pathlib
import platform
import signal
import sys
import threading
import time


class Memory:
    """Notes the most memory of this process that is of no file while something runs."""

    def __enter__(self):
        self.peak, self.ended = self.now(), threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    @staticmethod
    def now():
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))

    def watch(self):
        while not self.ended.wait(0.01):
            self.peak = max(self.peak, self.now())

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.peak = max(self.peak, self.now())


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"seconds": wall, "cpu_seconds": cpu}


def made(*shape, dtype):
    import torch
    return torch.randn(*shape).to(getattr(torch, dtype))


def gemm(rows, outputs, inputs, dtype, forward):
    weight = made(outputs, inputs, dtype=dtype)
    x = made(rows, inputs if forward else outputs, dtype=dtype)
    return (lambda: x @ weight.T) if forward else (lambda: x @ weight)


def attention(tokens, heads, channels, dtype, forward):
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend
    # As diffusers has them: a token's heads lie beside each other.
    q, k, v, gradient = (
        made(1, tokens, heads, channels, dtype=dtype).transpose(1, 2) for _ in range(4))
    if forward:
        return lambda: attend(q, k, v)
    for tensor in (q, k, v):
        tensor.requires_grad_()
    with torch.enable_grad():
        result = attend(q, k, v)
    return lambda: torch.autograd.grad(result, (q, k, v), gradient, retain_graph=True)


def convolution(channels, side, dtype, channels_last):
    import torch
    layout = torch.channels_last if channels_last else torch.contiguous_format
    x = made(1, channels, side, side, dtype=dtype).to(memory_format=layout)
    weight = made(channels, channels, 3, 3, dtype=dtype).to(memory_format=layout)
    bias = made(channels, dtype=dtype)
    return lambda: torch.nn.functional.conv2d(x, weight, bias, padding=1)


def decoding(folder, latent, dtype, channels_last):
    """The way out of a model's autoencoder, its weights read from its folder."""
    import diffusers
    import torch
    folder = pathlib.Path(folder, "vae")
    name = json.loads((folder / "config.json").read_text())["_class_name"]
    model = getattr(diffusers, name).from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    if channels_last:  # of pictures, and of pictures in time
        formats = {4: torch.channels_last, 5: torch.channels_last_3d}
        for parameter in model.parameters():
            layout = formats.get(parameter.dim(), torch.contiguous_format)
            parameter.data = parameter.data.to(memory_format=layout)
    latent = made(*latent, dtype=dtype)
    if hasattr(model.config, "z_dim"):  # Qwen-Image's, which has a time
        latent = latent.unsqueeze(2)
    return lambda: model.decode(latent, return_dict=False)


class Step:
    """Training steps of a new adapter on a transformer of diffusers, with made-up states and pictures."""

    def __init__(self, model, dtype, targets, rank, rows, columns, text_tokens):
        import peft
        import torch
        model.requires_grad_(False)
        model.add_adapter(
            peft.LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
        model.train()
        self.model, self.dtype, self.steps = model, getattr(torch, dtype), 0
        self.device = next(model.parameters()).device
        self.optimiser = torch.optim.AdamW(
            [parameter for parameter in model.parameters() if parameter.requires_grad], lr=1e-4)
        self.arguments = self.inputs(model.config, rows, columns, text_tokens)
        self.goal = torch.randn_like(self.arguments["hidden_states"])

    def inputs(self, config, rows, columns, text_tokens):
        import torch
        arguments = {
            "hidden_states": torch.randn(1, rows * columns, config.in_channels),
            "encoder_hidden_states": torch.randn(1, text_tokens, config.joint_attention_dim)}
        if hasattr(config, "pooled_projection_dim"):  # FLUX.1; Qwen-Image takes the picture's size
            ids = torch.zeros(rows, columns, 3)
            ids[..., 1], ids[..., 2] = torch.arange(rows)[:, None], torch.arange(columns)[None]
            arguments.update(pooled_projections=torch.randn(1, config.pooled_projection_dim),
                             img_ids=ids.reshape(-1, 3), txt_ids=torch.zeros(text_tokens, 3))
            if config.guidance_embeds:
                arguments.update(guidance=torch.full([1], 3.5))
        arguments = {
            name: tensor.to(self.device, self.dtype) for name, tensor in arguments.items()}
        if "img_ids" not in arguments:
            arguments.update(img_shapes=[(1, rows, columns)])
        return arguments

    def __call__(self):
        import torch
        timestep = torch.tensor(
            [1 - (self.steps % 50 + 0.5) / 50], dtype=self.dtype, device=self.device)
        self.steps += 1
        with torch.enable_grad():
            velocity = self.model(timestep=timestep, return_dict=False, **self.arguments)[0]
            loss = torch.nn.functional.mse_loss(velocity.float(), self.goal.float())
            loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()
        return loss.item()


def step(configuration, dtype, targets, rank, rows, columns, text_tokens, checkpointing, device):
    import diffusers
    import torch
    with torch.device(device):
        model = getattr(diffusers, configuration["_class_name"]).from_config(configuration)
    for parameter in model.parameters():
        parameter.data = parameter.data.to(getattr(torch, dtype))
    if checkpointing:
        model.enable_gradient_checkpointing()
    return Step(model, dtype, targets, rank, rows, columns, text_tokens)


SUBJECTS = {"gemm": gemm, "attention": attention, "convolution": convolution, "decoding": decoding,
            "step": step}


class Server:
    """What was prepared, and what is asked for."""

    def __init__(self):
        self.works, self.count, self.idle = {}, 0, 0

    def hello(self, threads, packages):
        versions, missing = {"Python": platform.python_version()}, []
        for name in packages:
            try:
                versions[name] = importlib.import_module(name).__version__
            except ModuleNotFoundError as error:
                missing.append(error.name or name)
        if missing:
            return {"missing": sorted(set(missing))}
        import torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        torch.manual_seed(0)
        self.idle = Memory.now()
        return {"versions": versions}

    def prepare(self, subject, arguments):
        answer = {}
        # What is prepared already is no part of this one's memory.
        others = Memory.now() - self.idle if self.works else 0
        work = SUBJECTS[subject](**arguments)
        if subject in ("decoding", "step"):
            before = Memory.now()
            with Memory() as memory:
                work()
            answer.update(anonymous_bytes=memory.peak - before, whole_bytes=memory.peak - others)
        self.count += 1
        self.works[self.count] = work
        return dict(answer, id=self.count)

    def run(self, id):
        return timed(self.works[id])

    def drop(self, id):
        del self.works[id]
        return {}


def serve():
    # It ends with the process that started it, in the middle of work too.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    # What libraries print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("op"))(**request)
        except Exception as error:
            words = " ".join(str(error).split())
            answer = {"error": f"{type(error).__name__}: {words}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
