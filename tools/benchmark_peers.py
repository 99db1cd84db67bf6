"""What the peers of tools/benchmark-peers do, as their users write it.

    benchmark_peers.py WORK INPUT… OUTPUT
"""

import pathlib
import sys


def copy(source, output):
    import ml_dtypes  # gives numpy its bfloat16
    from safetensors.numpy import load_file, save_file
    save_file(load_file(source), output)


def copy_torch(source, output):
    from safetensors.torch import load_file, save_file
    save_file(load_file(source), output)


def to_diffusers(source, config, output):
    import torch
    from diffusers import FluxTransformer2DModel
    model = FluxTransformer2DModel.from_single_file(source, config=config,
                                                    torch_dtype=torch.bfloat16)
    model.save_pretrained(output)


def fp8(source, output):
    import torch
    from safetensors.torch import load_file, save_file
    save_file({name: tensor.to(torch.float8_e4m3fn) if tensor.ndim == 2 else tensor
               for name, tensor in load_file(source).items()}, output)


def q8_0(source, output):
    """Blocks of weights as q8_0, what else there is in full, as city96/ComfyUI-GGUF's convert does."""
    import gguf
    import numpy
    import safetensors
    writer = gguf.GGUFWriter(output, "flux")
    for name, view in safetensors.deserialize(pathlib.Path(source).read_bytes()):
        words = numpy.frombuffer(view["data"], numpy.uint16).astype(numpy.uint32)
        values = (words << 16).view(numpy.float32).reshape(view["shape"])
        kind = gguf.GGMLQuantizationType.F32
        if values.ndim == 2 and "blocks." in name:
            kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merge(source, lora, output):
    import torch
    from safetensors.torch import load_file, save_file
    weights, factors = load_file(source), load_file(lora)
    for name in factors:
        if name.endswith(".lora_A.weight"):
            module = name.removeprefix("transformer.").removesuffix(".lora_A.weight")
            down, up = factors[name].float(), factors[name.replace("lora_A", "lora_B")].float()
            weight = weights[module + ".weight"]
            weights[module + ".weight"] = torch.addmm(weight.float(), up, down).to(weight.dtype)
    save_file(weights, output, metadata={"format": "pt"})


def fuse(source, lora, output):
    import torch
    from diffusers import FluxTransformer2DModel
    model = FluxTransformer2DModel.from_pretrained(source, torch_dtype=torch.bfloat16)
    model.load_lora_adapter(lora, prefix="transformer")
    model.fuse_lora()
    model.unload_lora()
    model.save_pretrained(output)


globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
