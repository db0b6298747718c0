"""BSRGAN-light: its outputs, new random draws for every slice, and no shift of the image."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from benchmark.datasets.phantom import phantom
from models.interpolation import degrade
from models.training.degradation import GROUP, bsrgan_light, degradation, filtered
from models.training.jpeg import jpeg


@pytest.fixture(scope="module")
def slices() -> torch.Tensor:
    volume = phantom((64, 64, 8), "T1", seed=3).clip(0, 1).astype(np.float32)
    return torch.from_numpy(np.moveaxis(volume, 2, 0)[2:6]).unsqueeze(1)


@pytest.mark.parametrize("shape", [(3, 1, 64, 64), (1, 1, 256, 256), (2 * GROUP + 1, 1, 32, 48)])
def test_output_has_a_quarter_of_the_side_and_stays_in_range(shape):
    torch.manual_seed(0)
    for _ in range(6):
        low = bsrgan_light(torch.rand(shape))
        assert low.shape == (*shape[:2], shape[2] // 4, shape[3] // 4)
        assert low.dtype == torch.float32
        assert torch.isfinite(low).all()
        assert low.min() >= 0
        assert low.max() <= 1


def test_same_seed_gives_the_same_output_and_another_seed_does_not(slices):
    made = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        made.append(bsrgan_light(slices))
    torch.testing.assert_close(made[0], made[1], atol=0, rtol=0)
    assert (made[0] - made[2]).abs().max() > 0.01


def test_each_slice_is_degraded_by_a_separate_draw(slices):
    torch.manual_seed(0)
    same = slices[:1].expand(GROUP, -1, -1, -1)
    low = bsrgan_light(same)
    for one in range(1, GROUP):
        assert (low[0] - low[one]).abs().max() > 1 / 255


def test_mean_difference_from_the_protocols_degradation_is_small(slices):
    """It is the light variant: on average the result is still close to the protocol's low resolution."""
    torch.manual_seed(0)
    errors = torch.stack([(bsrgan_light(slices) - degrade(slices)).pow(2).mean().sqrt() for _ in range(40)])
    assert 0.005 < errors.mean() < 0.08
    assert errors.std() > 0.003


def test_degradation_does_not_shift_the_image(slices):
    """The mean of many draws correlates best with the unshifted low resolution of the protocol."""
    torch.manual_seed(0)
    mean = torch.stack([bsrgan_light(slices) for _ in range(150)]).mean(dim=0)
    target = degrade(slices)
    # Shifts of a fraction of a low-resolution pixel: the gradient's least-squares estimate of the displacement.
    dy, dx = torch.gradient(target, dim=(2, 3))
    system = torch.stack([dy.flatten(), dx.flatten(), target.flatten(), torch.ones_like(target).flatten()], dim=1)
    shift = torch.linalg.lstsq(system, mean.flatten().unsqueeze(1)).solution[:2, 0]
    assert shift.abs().max() < 0.03
    moved = torch.roll(mean, 1, dims=3)
    shift = torch.linalg.lstsq(system, moved.flatten().unsqueeze(1)).solution[:2, 0]
    assert shift[1].abs() > 0.3  # the estimate detects a real shift


def test_bilinear_degradation_is_the_protocols(slices):
    slices = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(degradation("bilinear")(slices), degrade(slices))
    assert degradation("bsrgan_light") is bsrgan_light
    with pytest.raises(ValueError, match="'blur' is not known: choose one of bsrgan_light, bilinear"):
        degradation("blur")


def test_colour_images_and_sides_not_divisible_by_4_are_refused():
    for shape in [(1, 3, 64, 64), (1, 1, 66, 64)]:
        with pytest.raises(ValueError, match="multiples of 4"):
            bsrgan_light(torch.rand(shape))


def test_autocast_does_not_change_the_output(slices):
    made = []
    for enabled in (False, True):
        torch.manual_seed(4)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            made.append(bsrgan_light(slices))
    torch.testing.assert_close(made[0], made[1], atol=0, rtol=0)


def test_jpeg_agrees_with_libjpeg(slices):
    """Against Pillow's, which is libjpeg, in grey levels: it differs by the rounding of its integer arithmetic."""
    quality = torch.tensor([80, 87, 95, 50])
    levels = (slices[:1].expand(4, -1, -1, -1)[..., :61, :59] * 255).round()
    made = (jpeg(levels / 255, quality) * 255).round()
    for image, number, own in zip(levels, quality.tolist(), made, strict=True):
        stored = io.BytesIO()
        Image.fromarray(image[0].byte().numpy()).save(stored, "JPEG", quality=number)
        expected = torch.from_numpy(np.asarray(Image.open(stored)).astype(np.float32))
        off = (own[0] - expected).abs()
        assert off.mean() < 0.25
        assert off.mean() < 0.3 * (expected - image[0]).abs().mean()


@pytest.mark.parametrize("side", [3, 13])
def test_each_image_is_filtered_by_the_kernel_of_the_same_index(side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    images, kernels = torch.rand(3, 1, 20, 17, generator=generator), torch.rand(3, side, side, generator=generator)
    found = filtered(images, kernels)
    for image, kernel, one in zip(images, kernels, found, strict=True):
        wanted = ndimage.correlate(image[0].numpy(), kernel.numpy(), mode="nearest")
        assert np.abs(one[0].numpy() - wanted).max() < 1e-4
