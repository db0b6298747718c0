"""The denoising U-Net: size, attention and condition."""

import pytest
import torch

from models.unet import as_condition, build_unet, canonical_size

DEMO = {"width": 32, "multipliers": [1, 2, 2], "attention_factors": [4], "norm_groups": 16}


def levels_with_attention(module) -> list[bool]:
    return [hasattr(block, "attentions") for block in module.unet.down_blocks]


def test_paper_size_has_the_published_parameters_and_attention():
    with torch.device("meta"):
        module = build_unet()
    assert sum(p.numel() for p in module.parameters()) == 113_622_563
    assert levels_with_attention(module) == [False, False, False, True]


def test_attention_is_at_the_levels_of_the_given_downsampling_factors():
    with torch.device("meta"):
        assert levels_with_attention(build_unet(attention_factors=[16, 8])) == [False, False, False, True]
        assert levels_with_attention(build_unet(attention_factors=[1, 4])) == [True, False, True, False]
        assert levels_with_attention(build_unet(attention_factors=[])) == [False] * 4
        module = build_unet(attention_factors=[1, 4])
    ups = [hasattr(block, "attentions") for block in module.unet.up_blocks]
    assert ups == [False, True, False, True]
    assert canonical_size(attention_factors=[16, 8]) == canonical_size(attention_factors=[8])


def test_latents_that_the_levels_cannot_halve_are_refused():
    module = build_unet(**DEMO)
    with pytest.raises(ValueError, match="U-Net: 16×18 latents are not multiples of 4"):
        module(torch.rand(1, 3, 16, 18), torch.tensor([3]), torch.rand(1, 3, 16, 18))


def test_demo_size_predicts_noise_that_depends_on_all_inputs():
    torch.manual_seed(0)
    module = build_unet(**DEMO).eval()
    noisy, condition, t = torch.randn(2, 3, 16, 16), torch.rand(2, 1, 16, 16), torch.tensor([3, 900])
    with torch.no_grad():
        epsilon = module(noisy, t, as_condition(condition))
        assert epsilon.shape == noisy.shape
        assert not torch.allclose(epsilon, module(noisy, t.flip(0), as_condition(condition)))
        assert not torch.allclose(epsilon, module(noisy, t, as_condition(1 - condition)))
        same_t = module(noisy, torch.tensor(3), as_condition(condition))
    torch.testing.assert_close(same_t[0], epsilon[0])


def test_condition_has_three_channels_from_minus_one_to_one():
    condition = as_condition(torch.tensor([0.0, 0.5, 1.0]).view(3, 1, 1, 1))
    assert condition.shape == (3, 3, 1, 1)
    assert condition[:, 2, 0, 0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attention_factors": [3]}, "factor 3 is not a power of two"),
        ({"multipliers": [2, 2]}, r"multipliers \[2, 2\] must begin with 1"),
        ({"norm_groups": 24}, "width 32 is not a multiple of norm_groups = 24"),
        ({"width": 48, "multipliers": [1, 1, 1]}, "width 48 has attention but is no multiple of 32 a head"),
    ],
)
def test_impossible_sizes_are_refused(change: dict, message: str):
    with pytest.raises(ValueError, match=message):
        build_unet(**DEMO | change)
