"""``restore``: the rules of the one abstraction, for every method that needs no training."""

import numpy as np
import pytest
import torch
from PIL import Image

from models import weights
from models.interpolation import bicubic, cubic_spline, degrade, linear, nearest, printed_eq12
from models.method import method

CONTROLS = ["copy", "linear", "spline", "eq12", "oracle_si", "truth"]


@pytest.fixture
def slices():
    return np.random.default_rng(0).random((7, 8, 12), dtype=np.float32)


KNOWN = np.array([0, 1, 3, 4, 6, 7, 9.0])


@pytest.mark.parametrize("name", CONTROLS)
def test_output_has_the_right_shape_type_and_range_at_every_position(name, slices):
    restorer = method(name)
    factor = 1 if restorer.sees != "low" else 4
    out = restorer.restore(slices, KNOWN, [0, 0.25, 2, 3, 8.9, 9])
    assert out.shape == (6, 8 * factor, 12 * factor)
    assert out.dtype == np.float32
    assert out.min() >= 0
    assert out.max() <= 1
    alone = restorer.restore(slices, KNOWN, [3])
    np.testing.assert_array_equal(out[3], alone[0])


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_chunks_do_not_change_the_result(name, chunk, slices):
    at = np.linspace(0, 9, 31)
    expected = method(name, chunk=16).restore(slices, KNOWN, at)
    np.testing.assert_allclose(method(name, chunk=chunk).restore(slices, KNOWN, at), expected, atol=2e-6)


def test_oracle_interpolates_between_true_neighbours(slices):
    out = method("oracle_si").restore(slices, KNOWN, [1.5, 2.0])
    np.testing.assert_allclose(out[0], 0.75 * slices[1] + 0.25 * slices[2], atol=1e-6)
    np.testing.assert_allclose(out[1], 0.5 * slices[1] + 0.5 * slices[2], atol=1e-6)


def test_interpolation_weights_equal_hand_computed_ones():
    at = np.array([0, 1.5, 2, 2.5, 9])
    np.testing.assert_allclose(linear(KNOWN, at)[1, 1:3], [0.75, 0.25])
    np.testing.assert_allclose(nearest(KNOWN, at)[2:4, 1:3], [[1, 0], [0, 1]])
    # eq. 12 as printed, three new slices in the gap: 1/3 A + 0 B, 2/3 A + 1/3 B, 3/3 A + 2/3 B
    np.testing.assert_allclose(printed_eq12(KNOWN, at)[1:4, 1:3], [[1 / 3, 0], [2 / 3, 1 / 3], [1, 2 / 3]])
    np.testing.assert_allclose(printed_eq12(KNOWN, np.array([2.0]))[0, 1:3], [1, 0])
    for mixing in (linear, nearest, printed_eq12, cubic_spline):
        np.testing.assert_allclose(mixing(KNOWN, KNOWN), np.eye(7), atol=1e-5)


def test_spline_reproduces_a_cubic_polynomial():
    at = np.linspace(0, 9, 50)
    np.testing.assert_allclose(cubic_spline(KNOWN, at) @ (KNOWN**3 - 4 * KNOWN), at**3 - 4 * at, atol=0.05)


def test_spline_of_two_slices_is_linear_and_of_three_is_a_parabola():
    np.testing.assert_allclose(cubic_spline(np.array([0.0, 2]), np.array([0.5])), [[0.75, 0.25]])
    np.testing.assert_allclose(cubic_spline(np.arange(3.0), np.array([0.5])), [[0.375, 0.75, -0.125]])


def test_degrade_and_bicubic_keep_the_shape_of_oblong_slices():
    assert degrade(torch.rand(2, 1, 16, 24)).shape == (2, 1, 4, 6)
    with pytest.raises(ValueError, match="16×26 slices are not multiples of 4"):
        degrade(torch.rand(2, 1, 16, 26))
    assert bicubic(torch.rand(2, 1, 4, 6)).shape == (2, 1, 16, 24)


def test_degrading_is_pillows_filtered_resize_or_the_mean_of_the_middle_of_each_block():
    image = np.random.default_rng(4).random((16, 24), dtype=np.float32)
    filtered = Image.fromarray(image).resize((6, 4), Image.Resampling.BILINEAR)
    middle = image.reshape(4, 4, 6, 4)[:, 1:3, :, 1:3].mean(axis=(1, 3))
    slices = torch.from_numpy(image)[None, None]
    np.testing.assert_allclose(degrade(slices)[0, 0], np.asarray(filtered), atol=1e-5)
    np.testing.assert_allclose(degrade(slices, antialias=False)[0, 0], middle, atol=1e-6)


def test_bicubic_clips_the_overshoot_at_an_edge():
    edge = torch.zeros(1, 1, 8, 8)
    edge[..., 4:] = 1
    assert (bicubic(edge).min(), bicubic(edge).max()) == (0, 1)


def test_degrading_and_magnifying_does_not_shift_the_image():
    """A smooth slice has no shift after ÷4 and ×4: the error is symmetric and small."""
    y, x = np.mgrid[0:64, 0:64]
    smooth = (0.5 + 0.4 * np.sin(x / 9.0) * np.cos(y / 11.0)).astype(np.float32)
    low = degrade(torch.from_numpy(smooth)[None, None])[0].numpy()
    for name in ("linear", "spline"):
        back = method(name).restore(np.repeat(low, 2, axis=0), [0, 1], [0.5])[0]
        error = [np.abs(np.roll(back, shift, 1) - smooth)[8:-8, 8:-8].mean() for shift in (-1, 0, 1)]
        assert error[1] < 0.01 < min(error[0], error[2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"at": [-0.1]}, "nothing is extrapolated"),
        ({"at": [9.5]}, "nothing is extrapolated"),
        ({"known": [0, 1, 1, 2, 3, 4, 5]}, "increasing"),
        ({"known": [0, 1]}, "increasing"),
        ({"known": [0, 1, 2, np.nan, 4, 5, 6]}, "increasing"),
        ({"at": [0, np.nan]}, "nothing is extrapolated"),
        ({"slices": np.full((7, 8, 8), 2.0)}, r"in \[0, 1\]"),
        ({"slices": np.full((7, 8, 8), np.nan)}, "finite"),
        ({"slices": np.zeros((8, 8))}, r"\(S, h, w\)"),
        ({"slices": np.zeros((1, 8, 8)), "known": [0.0], "at": [0.0]}, "S ≥ 2, not"),
        ({"at": [[1.0]]}, "positions within"),
    ],
)
def test_invalid_input_is_refused_with_the_broken_rule(change, message, slices):
    call = {"slices": slices, "known": KNOWN, "at": [1.0]} | change
    with pytest.raises(ValueError, match=message):
        method("linear").restore(**call)


def test_unknown_methods_and_options_are_refused_by_name():
    with pytest.raises(ValueError, match=r"models/methods/nobody\.py"):
        method("nobody")
    with pytest.raises(ValueError, match=r"method linear: .*wings"):
        method("linear", wings=2)


@pytest.mark.parametrize(("n", "chunk"), [(1, 4), (10, 4), (10, 16), (0, 3)])
def test_each_known_slice_is_represented_once_in_full_chunks(n, chunk):
    """Sampling takes the same time for any n (article, section 3.7): batches must not shrink as n grows."""
    from models.methods.linear import Method

    batches = []

    class Counting(Method):
        def represent(self, slices, index):
            batches.append(index.tolist())
            return super().represent(slices, index)

    known = np.arange(13)
    at = np.linspace(0, 12, 12 * (n + 1) + 1)
    Counting(chunk=chunk).restore(np.random.default_rng(0).random((13, 8, 8), dtype=np.float32), known, at)
    assert sorted(index for batch in batches for index in batch) == list(range(13))
    assert len(batches) <= -(-13 // chunk) + 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ours", "made of the networks vq, ldm; given: edsr"),
        ("baseline", "made of the networks vq, ldm; given: edsr"),
        ("bicubic_ae", "made of the networks autoencoder; given: edsr"),
        ("oracle_latent", "made of the networks vq; given: edsr"),
        ("slab", "made of the networks slab; given: edsr"),
        ("quartet", "made of the networks quartet; given: edsr"),
        ("pixel_sr", "the network edsr does not magnify by 4"),
    ],
)
def test_networks_of_other_classes_than_the_method_needs_are_refused(name: str, said: str) -> None:
    edsr = weights.network("edsr", {"blocks": 1, "width": 4}).eval()
    with pytest.raises(ValueError, match=said):
        method(name, {"edsr": edsr}).restore(np.zeros((2, 4, 4), np.float32), [0, 1], [0])
