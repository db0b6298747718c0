"""Attention with one wide head computes the same in two matrix products, as on a GPU."""

import torch

from models.attention import WideAttention, in_products
from models.first_stage import build_vq


def test_matrix_products_equal_pytorchs_attention() -> None:
    torch.manual_seed(0)
    attention = build_vq(channels=[8, 16], layers_per_block=1, codes=4, norm_groups=4).vq.encoder.mid_block.attentions[
        0
    ]
    torch.nn.init.normal_(attention.to_out[0].weight)
    assert isinstance(attention.processor, WideAttention)
    images = torch.randn(2, 16, 5, 7)
    with torch.no_grad():
        torch.testing.assert_close(in_products(attention, images), attention(images))
        assert not torch.allclose(attention(images), images, atol=0.1)
