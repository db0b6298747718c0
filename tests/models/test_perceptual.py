"""LPIPS against published numbers, and against AlexNet and LPIPS written out in NumPy."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from models.perceptual import SHA256, Perceptual, digest


@pytest.fixture(scope="module")
def alex(trunks: dict[str, Path]) -> Perceptual:
    return Perceptual(trunks["alex"])


@pytest.fixture(scope="module")
def vgg(trunks: dict[str, Path]) -> Perceptual:
    return Perceptual(trunks["vgg"], "vgg")


def images(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int, pad: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, ((0, 0), (pad, pad), (pad, pad))), kernel.shape[2:], axis=(1, 2)
    )[:, ::stride, ::stride]
    return np.maximum(np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True) + bias[:, None, None], 0)


def pool(x: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2].max(axis=(3, 4))


def features(grey: np.ndarray, trunk: dict[str, np.ndarray]) -> list[np.ndarray]:
    """AlexNet's five rectified convolutions, each normalised along its channels, as LPIPS uses them."""
    shift, scale = np.array([-0.030, -0.088, -0.188]), np.array([0.458, 0.448, 0.450])
    x = (np.repeat(2 * grey[None] - 1, 3, axis=0) - shift[:, None, None]) / scale[:, None, None]
    found = []
    for layer, stride, pad in ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1)):
        if layer in (3, 6):
            x = pool(x)
        x = convolve(x, trunk[f"features.{layer}.weight"], trunk[f"features.{layer}.bias"], stride, pad)
        found.append(x / np.sqrt((x**2).sum(axis=0)))
    return found


def areas(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Mean of ``mask`` over the area under each point of a coarser map (areas share a row where it does not divide)."""

    def bounds(size: int, parts: int) -> list[slice]:
        return [slice(size * part // parts, -(-size * (part + 1) // parts)) for part in range(parts)]

    h, w = mask.shape
    return np.array([[mask[rows, columns].mean() for columns in bounds(w, width)] for rows in bounds(h, height)])


def lpips_in_numpy(a: np.ndarray, b: np.ndarray, mask: np.ndarray, trunk: dict[str, np.ndarray]) -> tuple[float, float]:
    """LPIPS, full frame and inside the mask."""
    package = importlib.util.find_spec("lpips")
    assert package is not None
    path = Path(str(package.origin)).parent / "weights" / "v0.1" / "alex.pth"
    lines = torch.load(path, map_location="cpu", weights_only=True)
    full = masked = 0.0
    for index, (one, two) in enumerate(zip(features(a, trunk), features(b, trunk), strict=True)):
        line = lines[f"lin{index}.model.1.weight"].numpy().reshape(-1, 1, 1)
        distance = (line * (one - two) ** 2).sum(axis=0)
        weight = areas(mask, *distance.shape)
        full += distance.mean()
        masked += (distance * weight).sum() / weight.sum()
    return full, masked


def test_alex_trunk_has_the_pinned_digest(trunks: dict[str, Path]) -> None:
    expected = "2b566cc3a4d6f0a7343701af22f461f1ac3dcd03a3ac28cce10968a1d3c85fdc"
    assert digest(load_file(trunks["alex"]), "alex") == expected == SHA256["alex"]


def test_alex_distances_equal_the_reference_values(alex: Perceptual) -> None:
    i, j = np.mgrid[:256, :256]
    a = (0.5 + 0.5 * np.sin(i / 7) * np.cos(j / 11)).astype(np.float32)
    others = np.stack([np.roll(a, 3, axis=1), a / 2])
    full, masked = alex.distances(np.stack([a, a]), others, np.ones((2, 256, 256)))
    np.testing.assert_allclose(full, [0.04194, 0.07539], atol=5e-6)
    np.testing.assert_allclose(masked, full, rtol=1e-5)  # the mask is the frame


def test_vgg_distances_equal_published_values(vgg: Perceptual) -> None:
    """Distances between uniform noise that two users printed, with weights straight from torchvision.

    One is the example of torchmetrics 0.11's LearnedPerceptualImagePatchSimilarity: 0.3493 over ten pairs, drawn by
    torch after a network of torchvision's was built, which is not repeated here. The other drew with NumPy's seed 123.
    """
    draw = np.random.RandomState(123)
    a, b = (torch.from_numpy(draw.rand(10, 3, 100, 100)[:2]) for _ in range(2))
    np.testing.assert_allclose(vgg(a, b), [0.3497, 0.3494], atol=5.1e-5)


@pytest.mark.parametrize("size", [(64, 64), (47, 70)])
def test_distances_equal_a_numpy_implementation(
    alex: Perceptual, trunks: dict[str, Path], size: tuple[int, int]
) -> None:
    a, b = images(0, 2, 1, *size), images(1, 2, 1, *size)
    mask = torch.zeros(2, 1, *size)
    mask[0, :, 10:40, 5:31] = 1
    mask[1, :, 7, 9] = 1
    full, masked = alex.with_mask(a, b, mask)
    trunk = load_file(trunks["alex"])
    for row in range(2):
        expected = lpips_in_numpy(*(x[row, 0].double().numpy() for x in (a, b, mask)), trunk)
        np.testing.assert_allclose([full[row], masked[row]], expected, rtol=1e-4)


def test_masked_distance_counts_only_the_masked_area(alex: Perceptual) -> None:
    a = images(0, 1, 1, 128, 128)
    b = a.clone()
    b[..., :32] = 1 - b[..., :32]  # only the left quarter differs
    left, right = torch.zeros_like(a), torch.zeros_like(a)
    left[..., :32], right[..., 96:] = 1, 1
    full, at_left = alex.with_mask(a, b, left)
    _, at_right = alex.with_mask(a, b, right)
    assert at_left > full > 5 * at_right


def test_distance_is_zero_for_equal_images_and_symmetric(alex: Perceptual) -> None:
    a, b = images(0, 3, 1, 64, 64), images(1, 3, 1, 64, 64)
    assert (alex(a, a) == 0).all()
    torch.testing.assert_close(alex(a, b), alex(b, a))
    assert (alex(a, b) > 0).all()


def test_grey_images_are_treated_as_three_equal_channels(alex: Perceptual) -> None:
    a, b = images(0, 2, 1, 64, 64), images(1, 2, 1, 64, 64)
    torch.testing.assert_close(alex(a, b), alex(a.repeat(1, 3, 1, 1), b.repeat(1, 3, 1, 1)))


def test_distances_do_not_depend_on_the_batch(alex: Perceptual) -> None:
    a, b = images(0, 5, 64, 64).numpy(), images(1, 5, 64, 64).numpy()
    mask = images(2, 5, 64, 64).numpy() > 0.5
    for one, two in zip(alex.distances(a, b, mask, batch=2), alex.distances(a, b, mask, batch=5), strict=True):
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, two, rtol=1e-5)
    assert [len(part) for part in alex.distances(a[:0], b[:0], mask[:0])] == [0, 0]


def test_loss_has_finite_gradients_and_frozen_weights(vgg: Perceptual) -> None:
    """The gradient reaches the first image, also over a black background, and nothing of the network moves."""
    holder = torch.nn.ModuleList([vgg]).train()
    assert not any(module.training for module in vgg.modules())
    assert not any(parameter.requires_grad for parameter in holder.parameters())
    a = images(0, 2, 1, 64, 64)
    a[..., :40] = 0
    a.requires_grad_()
    target = a.detach().flip(-1)
    before = vgg(a, target)
    before.mean().backward()
    assert a.grad is not None
    assert a.grad.isfinite().all()
    assert (vgg(a.detach() - 0.05 * a.grad, target) < before).all()


def test_construction_leaves_the_random_state_unchanged(trunks: dict[str, Path]) -> None:
    state = torch.get_rng_state()
    Perceptual(trunks["alex"])
    assert torch.equal(torch.get_rng_state(), state)


def test_autocast_does_not_change_distances(alex: Perceptual) -> None:
    a, b = images(0, 1, 1, 64, 64), images(1, 1, 1, 64, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = alex(a, b)
    assert torch.equal(mixed, alex(a, b))


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        ((1, 1, 64, 64), (1, 1, 64, 65), "of one shape"),
        ((1, 2, 64, 64), (1, 2, 64, 64), "of one shape"),
        ((64, 64), (64, 64), "of one shape"),
        ((1, 1, 16, 64), (1, 1, 16, 64), "at least 32×32"),
    ],
)
def test_images_of_unequal_or_too_small_shape_are_refused(
    alex: Perceptual, a: tuple[int], b: tuple[int], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        alex(torch.zeros(a), torch.zeros(b))


def test_masks_of_wrong_shape_or_without_voxel_are_refused(alex: Perceptual) -> None:
    a, mask = images(0, 2, 1, 64, 64), torch.ones(2, 1, 64, 64)
    with pytest.raises(ValueError, match="mask of images"):
        alex.with_mask(a, a, mask[:1])
    mask[1] = 0
    with pytest.raises(ValueError, match="without a voxel"):
        alex.with_mask(a, a, mask)


def test_wrong_or_damaged_trunk_files_are_refused(trunks: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        Perceptual(tampered(trunks["alex"], tmp_path))
    with pytest.raises(ValueError, match=r"vgg\.safetensors: cannot be read as the alex trunk .*no tensor"):
        Perceptual(trunks["vgg"])
    with pytest.raises(ValueError, match="no trunk 'squeeze'"):
        Perceptual(trunks["alex"], "squeeze")
    with pytest.raises(ValueError, match="nowhere"):
        Perceptual(tmp_path / "nowhere.safetensors")
    (tmp_path / "text.safetensors").write_text("no tensors here")
    with pytest.raises(ValueError, match=r"text\.safetensors"):
        Perceptual(tmp_path / "text.safetensors")


def tampered(trunk: Path, folder: Path) -> Path:
    tensors = load_file(trunk)
    tensors["features.10.bias"][-1] += 1e-6
    save_file(tensors, folder / "tampered.safetensors")
    return folder / "tampered.safetensors"
