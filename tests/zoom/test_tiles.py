"""Frames of any size with networks of one size, without a seam."""

import numpy as np
import pytest
from torch import Tensor

from models.method import Restorer, method
from zoom.tiles import Layout, Window, stream

AT = np.arange(5) / 2


class Sized(Restorer):
    """Refuses sizes other than 8 × 8, as a network might; magnifies by repetition and adds a constant level."""

    level = 0.0

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        if slices.shape[-2:] != (8, 8):
            raise ValueError(f"{tuple(slices.shape)}")
        return slices.repeat_interleave(4, 2).repeat_interleave(4, 3) * 0.5 + self.level


def random_volume(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 1, (3, height, width)).astype(np.float32)


@pytest.mark.parametrize("size", [(8, 8), (5, 8), (3, 2), (9, 13), (30, 8), (21, 40)])
def test_tile_shares_sum_to_one_everywhere(size: tuple[int, int]) -> None:
    layout = Layout(*size, 8)
    total = np.zeros((size[0] * 4, size[1] * 4))
    for frame, part, share in layout.share(4):
        assert share.min() >= 0
        assert (part[0].stop - part[0].start, part[1].stop - part[1].start) == share.shape
        total[frame] += share
    np.testing.assert_allclose(total, 1, atol=1e-6)
    inner = [c for c in layout.corners() if min(c) > 0]
    assert all(top + 8 <= size[0] and left + 8 <= size[1] for top, left in inner)


@pytest.mark.parametrize("size", [(8, 8), (5, 6), (9, 13), (21, 40)])
def test_tiled_result_of_a_local_method_equals_the_untiled_one(size: tuple[int, int]) -> None:
    slices = random_volume(*size)
    blocks = list(stream(lambda i: Sized(chunk=2), slices, np.arange(3), AT, side=8))
    assert [len(block) for block in blocks] == [2, 2, 1]
    repeated = slices.repeat(4, 1).repeat(4, 2) * 0.5
    wanted = np.stack([repeated[0], (repeated[0] + repeated[1]) / 2, repeated[1], repeated[1:].mean(0), repeated[2]])
    np.testing.assert_allclose(np.concatenate(blocks), wanted, atol=1e-6)


def test_tiles_of_different_level_blend_without_a_step() -> None:
    def build(i: int) -> Sized:
        made = Sized()
        made.level = 0.25 * (i % 2)
        return made

    layout = Layout(8, 30, 8)
    found = next(stream(build, np.zeros((3, 8, 30), np.float32), np.arange(3), AT, side=8))
    steps = np.abs(np.diff(found, axis=2))
    assert found.max() == pytest.approx(0.25)
    assert found.min() == pytest.approx(0)
    assert steps.max() < 0.25 / 5  # a seam would be a step of 0.25
    assert len(layout.corners()) > 3


def test_tile_margins_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bicubic interpolation has a reach of two pixels: with this margin, tiles are equal to the whole frame."""
    monkeypatch.setattr("zoom.tiles.MARGIN", 2)
    slices = random_volume(19, 23)
    known, at = np.arange(3), np.arange(3)
    whole = method("linear").restore(slices, known, at)
    tiled = np.concatenate(list(stream(lambda i: method("linear"), slices, known, at, side=8)))
    np.testing.assert_allclose(tiled, whole, atol=1e-6)


def test_frames_smaller_than_a_tile_are_mirrored() -> None:
    slices = random_volume(2, 3)
    found = Window(slices, (-3, -2), (8, 8))[[0, 2]]
    assert found.shape == (2, 8, 8)
    np.testing.assert_array_equal(found[1, 3:5, 2:5], slices[2])
    np.testing.assert_array_equal(found[0, 2, 2:5], slices[0, 0])
    np.testing.assert_array_equal(found[0, 5, 2:5], slices[0, 1])


def test_progress_is_reported_for_every_tile() -> None:
    ticks: list[int] = []
    list(stream(lambda i: Sized(chunk=2), random_volume(8, 13), np.arange(3), AT, side=8, tick=ticks.append))
    assert sum(ticks) == len(AT) * len(Layout(8, 13, 8).corners())
