"""Simulated scans for training: slices have the right profile, at the position in the network's description."""

import numpy as np
import pytest
import torch
from smooth_volumes import smooth_volume

from models.gap import SLICES, gap_description
from models.networks.slab import start
from models.thickness import consistent_spline, profile
from models.training.appearance import resampling
from models.training.blocks import BlockBank
from models.training.scan_protocols import DEEP, Protocols, voxel_weights
from models.training.thick import simulate

PLAIN = {
    "resampled": 0.0,
    "blurred": 0.0,
    "bent": 0.0,
    "unordered": 0.0,
    "inverted": 0.0,
    "biased": 0.0,
    "noisy": 0.0,
    "noise": 0.0,
}
ALL = PLAIN | {"resampled": 1.0, "blurred": 0.5, "bent": 1.0, "unordered": 0.5, "inverted": 0.1, "biased": 1.0}


def test_volume_without_signal_is_refused():
    with pytest.raises(ValueError, match="volume 1 has no signal"):
        BlockBank([smooth_volume((9, 9, 9)), np.zeros((9, 9, 9), np.float32)])


def test_centres_of_blocks_follow_the_seed():
    def centres(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return BlockBank([smooth_volume()]).centres

    assert torch.equal(centres(1), centres(1))
    assert not torch.equal(centres(1), centres(2))


def test_blocks_have_the_requested_centre_axis_order_and_flip():
    volume = np.random.default_rng(0).integers(40, 255, (12, 14, 16), dtype=np.uint8)
    bank = BlockBank([smooth_volume((9, 9, 9)), volume])
    place, order = torch.tensor([[1, 5, 6, 7]] * 2), torch.tensor([[0, 1, 2], [2, 0, 1]])
    flip = torch.tensor([[False, False, False], [True, False, False]])
    first, second = bank.take(place, order, flip, (4, 2, 6)).numpy()
    np.testing.assert_array_equal(first, volume[3:7, 5:7, 4:10])
    np.testing.assert_array_equal(second, volume.transpose(2, 0, 1)[9:5:-1, 4:6, 3:9])


def test_blocks_beyond_the_edge_repeat_the_last_voxels():
    volume = np.random.default_rng(0).integers(40, 255, (8, 8, 8), dtype=np.uint8)
    block = BlockBank([volume]).take(
        torch.tensor([[0, 0, 7, 4]]), torch.tensor([[0, 1, 2]]), torch.zeros(1, 3, dtype=bool), (4, 4, 4)
    )
    np.testing.assert_array_equal(block[0].numpy(), volume[[0, 0, 0, 1]][:, [5, 6, 7, 7]][:, :, 2:6])


@pytest.mark.parametrize("kind", ["box", "gaussian"])
def test_voxel_weights_have_the_sum_centre_and_variance_of_the_profile(kind):
    weights = voxel_weights(kind, 40.3, 5.0)
    offsets, values = profile(kind, 5.0)
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.arange(DEEP) == pytest.approx(40.3, abs=0.06)
    spread = weights @ (np.arange(DEEP) - 40.3) ** 2
    assert spread == pytest.approx(values @ offsets**2, rel=0.1)


def test_targets_lie_at_the_described_positions():
    protocols = Protocols(200, 2, seed=3)
    rows = protocols.slices.double().numpy()
    centres = rows @ np.arange(DEEP)
    whole = protocols.about[:, -SLICES:].bool().all(dim=1).numpy()
    assert 0.7 < whole.mean() < 1
    t = protocols.where[:, :, 0].double().numpy()
    expected = centres[:, 3, None] + t * (centres[:, 4] - centres[:, 3])[:, None]
    # a wide Gaussian at the ends of DEEP is cut, but never that of the middle two
    np.testing.assert_allclose(protocols.targets.numpy()[whole], expected[whole], atol=0.1)
    np.testing.assert_allclose(protocols.where[..., 1:].sum(dim=-1), 1, atol=1e-5)
    spacing = 2 ** (3 * protocols.about[:, 3].numpy())
    np.testing.assert_allclose((centres[:, 4] - centres[:, 3])[whole], spacing[whole], atol=0.2)


def test_start_weights_are_the_consistent_spline_of_the_existing_slices():
    protocols = Protocols(100, 1, seed=1)
    for about, where in zip(protocols.about.double().numpy(), protocols.where.double().numpy()[:, 0], strict=True):
        there = about[-SLICES:] > 0
        kind = "box" if about[1] else "gaussian" if about[2] else "point"
        expected = consistent_spline(np.flatnonzero(there) - 3.0, where[:1], kind, about[0])
        np.testing.assert_allclose(where[1:][there], expected[0], atol=1e-5)
        assert not where[1:][~there].any()


def test_start_equals_the_target_of_a_smooth_volume():
    torch.manual_seed(0)
    bank = BlockBank([smooth_volume()])
    slices, _, where, target = simulate(bank, torch.tensor([[0, 60, 65, 70]] * 32), Protocols(64, 2, seed=0), 16, PLAIN)
    assert slices.shape == (32, SLICES, 16, 16)
    assert (start(slices, where) - target).abs().max() < 0.05
    assert (start(slices, where) - target).abs().mean() < 0.004  # 8 bits, and repeated edges


def test_same_seed_simulates_the_same_scans():
    bank, protocols = BlockBank([smooth_volume()]), Protocols(64, 2, seed=0)
    made = []
    for _ in range(2):
        torch.manual_seed(5)
        made.append(simulate(bank, bank.batch(4), protocols, 16, ALL))
    for one, other in zip(*made, strict=True):
        assert torch.equal(one, other)


def test_augmented_grey_levels_are_finite_and_in_range():
    torch.manual_seed(1)
    bank = BlockBank([smooth_volume()])
    slices, _, _, target = simulate(bank, bank.batch(32), Protocols(64, 2, seed=0), 16, ALL)
    for made in (slices, target):
        assert torch.isfinite(made).all()
        assert made.max() < 2
    assert slices.min() >= 0


def test_resampling_is_exact_for_linear_ramps_and_whole_voxels():
    size = torch.tensor([1.0, 1.25, 0.8])
    nothing = torch.zeros(3)
    matrix = resampling(16, 32, size, nothing, torch.zeros(3, 2))
    line = torch.arange(32.0)
    expected = (torch.arange(16) - 8) * size[:, None] + 16
    torch.testing.assert_close(matrix @ line, expected, atol=1e-4, rtol=0)
    assert torch.equal(matrix[0], torch.eye(32)[8:24])


def test_description_of_point_slices_has_thickness_zero():
    assert gap_description("point", 1.0, 16.0, np.ones(8, bool)).tolist() == [0, 0, 0, 1, *[1] * 8]
