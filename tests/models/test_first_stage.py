"""The first stage (VQ autoencoder): size, encoding, quantising and decoding."""

import pytest
import torch

from models.first_stage import FirstStage, NearestCode, build_vq, canonical_size, nearest_code

SMALL = {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 32, "norm_groups": 4}


@pytest.fixture
def small() -> FirstStage:
    torch.manual_seed(0)
    stage = build_vq(**SMALL)
    stage.vq.quantize.embedding.weight.data.normal_()  # spread, so that codes differ
    return stage.eval()


def test_paper_size_has_the_published_number_of_parameters():
    with torch.device("meta"):
        stage = build_vq()
    assert sum(p.numel() for p in stage.parameters()) == 55_322_782


def test_grey_input_is_treated_as_three_equal_channels(small: FirstStage):
    grey = torch.rand(2, 1, 32, 24)
    with torch.no_grad():
        latents = small.encode(grey)
        assert latents.shape == (2, 3, 8, 6)
        torch.testing.assert_close(latents, small.encode(grey.expand(-1, 3, -1, -1)))
        torch.testing.assert_close(latents, small.vq.encode(grey.expand(-1, 3, -1, -1) * 2 - 1).latents)
        rgb, slices = small.decode_rgb(latents), small.decode(latents)
    assert rgb.shape == (2, 3, 32, 24)
    torch.testing.assert_close(slices, ((rgb.mean(1, keepdim=True) + 1) / 2).clamp(0, 1))
    torch.testing.assert_close(small(grey), slices)


def test_quantising_can_be_chosen_for_each_slice(small: FirstStage):
    with torch.no_grad():
        latents = small.encode(torch.rand(3, 1, 16, 16))
        snapped, free = small.decode_rgb(latents, True), small.decode_rgb(latents, False)
        mixed = small.decode_rgb(latents, torch.tensor([True, False, True]))
        again = small.decode_rgb(small.quantise(latents)[0], False)
    assert not torch.allclose(snapped, free)
    torch.testing.assert_close(mixed, torch.stack([snapped[0], free[1], snapped[2]]))
    torch.testing.assert_close(again, snapped)


def test_codebook_loss_and_gradients_equal_those_of_diffusers(small: FirstStage):
    latents = torch.randn(2, 3, 4, 4, requires_grad=True)
    codes, loss, index = small.quantise(latents)
    codebook = small.vq.quantize.embedding.weight
    assert index.shape == (2, 4, 4)
    torch.testing.assert_close(codes.detach(), codebook.detach()[index].permute(0, 3, 1, 2))
    (3 * codes.sum() + loss).backward()
    ours, ours_book = latents.grad.clone(), codebook.grad.clone()

    latents.grad = None
    codebook.grad = None
    their = type(small.vq.quantize)(32, 3, beta=0.25)  # diffusers
    their.embedding.weight = codebook
    their_codes, their_loss, (_, _, their_index) = their(latents)
    (3 * their_codes.sum() + their_loss).backward()
    assert torch.equal(their_index.view_as(index), index)
    torch.testing.assert_close(loss, their_loss)
    torch.testing.assert_close(ours, latents.grad)
    torch.testing.assert_close(ours_book, codebook.grad)


def test_nearest_codes_are_found_in_float32_under_autocast(small: FirstStage):
    latents = torch.randn(1, 3, 16, 16)
    plain = small.quantise(latents)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = small.quantise(latents)
    assert torch.equal(plain[2], mixed[2])
    assert mixed[0].dtype == mixed[1].dtype == torch.float32


def test_nearest_code_agrees_with_exact_distances():
    generator = torch.Generator().manual_seed(0)
    vectors, codebook = torch.randn(5000, 3, generator=generator), torch.randn(300, 3, generator=generator)
    exact = torch.cdist(vectors.double(), codebook.double()).argmin(dim=1)
    assert torch.equal(nearest_code(vectors, codebook), exact)
    compiled = NearestCode()
    compiled.compile(backend="eager", fullgraph=True)
    assert torch.equal(compiled(vectors, codebook), exact)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nearest_code_is_not_computed_in_tf32():
    torch.set_float32_matmul_precision("high")
    vectors = 1000 + torch.randn(20000, 3, device="cuda")
    codebook = vectors[:8000] + 1e-3 * torch.randn(8000, 3, device="cuda")
    exact = torch.cdist(vectors.double(), codebook.double()).argmin(dim=1)
    assert (nearest_code(vectors - 1000, codebook - 1000) == exact).float().mean() > 0.999
    assert torch.get_float32_matmul_precision() == "high"


def test_size_has_all_defaults_and_impossible_sizes_are_refused(small: FirstStage):
    assert small.size == canonical_size(**SMALL)
    assert canonical_size()["codes"] == 8192
    with pytest.raises(ValueError, match="width 10 is not a multiple of norm_groups = 4"):
        build_vq(**SMALL | {"channels": [8, 10]})
    with pytest.raises(ValueError, match="30×32 slices are not multiples of 4"):
        small.encode(torch.zeros(1, 1, 30, 32))
