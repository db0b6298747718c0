"""Attention with one wide head, as the first stage has in its middle: 512 channels, where GPU kernels end at 256."""

from diffusers.models.attention_processor import Attention, AttnProcessor, AttnProcessor2_0
from torch import Tensor, nn

WIDEST = 256
"""The widest head that PyTorch's flash kernels take. Beyond it they fall back on one that takes twice as long as two
matrix products with a softmax between (H100, 16 slices: 4.5 ms against 2.0)."""


class WideAttention(AttnProcessor2_0):
    """Scaled dot-product attention; on a GPU, with a head wider than ``WIDEST``, diffusers' explicit products."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        wide = hidden_states.is_cuda and attn.inner_dim // attn.heads > WIDEST
        return (EXPLICIT if wide else DOT_PRODUCT)(attn, hidden_states, encoder_hidden_states, attention_mask, temb)


EXPLICIT, DOT_PRODUCT = AttnProcessor(), AttnProcessor2_0()


def widen(network: nn.Module) -> None:
    """Every attention in the network is evaluated by ``WideAttention``."""
    for module in network.modules():
        if isinstance(module, Attention):
            module.set_processor(WideAttention())  # type: ignore[arg-type]
