"""A FLUX.1 transformer of a few thousand numbers, the same at every call: for the scripts beside."""
import torch
from diffusers import FluxTransformer2DModel

# A layer that adapters are put on.
LAYER = "transformer_blocks.0.attn.to_q"


def model():
    torch.manual_seed(0)
    return FluxTransformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=16,
        axes_dims_rope=(4, 6, 6))


def distance(found, expected):
    """How far numbers are from others, as a share of these."""
    return ((found - expected).norm() / expected.norm()).item()
