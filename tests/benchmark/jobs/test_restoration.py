"""The input of a method under the protocol, and the volumes that a restoring job writes."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.jobs.restoration import Restoration, inputs

SLICES = 6
REMOVAL = Removal(SLICES, np.array([1, 4]))


def truth() -> np.ndarray:
    return np.random.default_rng(0).random((SLICES, 16, 16), dtype=np.float32)


@pytest.mark.parametrize(
    ("sees", "shape"),
    [("low", (4, 4, 4)), ("kept", (4, 16, 16)), ("all_low", (SLICES, 4, 4)), ("all", (SLICES, 16, 16))],
)
def test_input_is_what_the_method_declares(sees, shape):
    slices, known = inputs(SimpleNamespace(sees=sees, antialias=True), truth(), REMOVAL)
    assert slices.shape == shape
    assert known.tolist() == ([0, 2, 3, 5] if len(known) == 4 else list(range(SLICES)))


@pytest.mark.parametrize(("sees", "places"), [("low", [0, 2, 3, 5]), ("kept", [0, 2, 3, 5]), ("all", range(SLICES))])
def test_input_holds_the_slices_at_its_positions_and_no_others(sees, places):
    """Without a filter, a coarse pixel is the mean of the middle of its block."""
    slices, _ = inputs(SimpleNamespace(sees=sees, antialias=False), truth(), REMOVAL)
    expected = truth()[list(places)]
    if sees == "low":
        expected = expected.reshape(-1, 4, 4, 4, 4)[:, :, 1:3, :, 1:3].mean(axis=(2, 4))
    np.testing.assert_allclose(slices, expected, atol=1e-6)


def test_each_subject_is_restored_from_its_own_slices_in_its_own_file(tmp_path):
    """By the oracle that interpolates the true neighbours: kept slices are the truth, removed slices a mean."""
    truths, removals = [], []
    for number, subject in enumerate(("sub-2", "sub-1", "sub-3")):
        volume.write(tmp_path / f"{subject}.nii.gz", truth() * (1 - 0.2 * number), np.diag([2.0, 2, 3 + number, 1]))
        write_removal(tmp_path / f"{subject}.tsv", Removal(SLICES, np.array([1 + number])))
        truths.append(str(tmp_path / f"{subject}.nii.gz"))
        removals.append(str(tmp_path / f"{subject}.tsv"))
    restoration = Restoration("oracle_si", [], options={}, chunk=4, seed=0, dataset="toy", device="cpu")
    lines = list(restoration.subjects(truths, removals, tmp_path / "out"))
    assert [line.split(":")[0] for line in lines] == ["sub-2", "sub-1", "sub-3"]
    for number, path in enumerate(truths):
        expected, affine = volume.read(path)
        expected[1 + number] = (expected[number] + expected[2 + number]) / 2
        restored, restored_affine = volume.read(tmp_path / "out" / f"{path.rsplit('/', 1)[1]}")
        np.testing.assert_allclose(restored, expected, atol=1e-6)
        np.testing.assert_array_equal(restored_affine, affine)


def test_noise_differs_between_subjects_and_data_sets_and_not_between_methods():
    def seed(subject, *, name="linear", dataset="toy", seed=0):
        options = {"options": {}, "chunk": 4, "device": "cpu"}
        return Restoration(name, [], seed=seed, dataset=dataset, **options).build(subject).seed

    assert seed("a") == seed("a", name="spline")
    assert len({seed("a"), seed("b"), seed("a", dataset="other"), seed("a", seed=1)}) == 4


def test_restored_volume_has_the_truths_shape_and_affine(tmp_path):
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    source, removal = tmp_path / "sub-1.nii.gz", tmp_path / "sub-1.tsv"
    volume.write(source, truth(), affine)
    text = "slice\tremoved\n" + "".join(f"{i}\t{int(i in (1, 4))}\n" for i in range(SLICES))
    removal.write_text(text)
    restoration = Restoration("linear", [], options={}, chunk=4, seed=0, dataset="toy", device="cpu")
    (line,) = restoration.subjects([str(source)], [str(removal)], tmp_path / "out")
    assert line.startswith("sub-1: 4 known slices, 6 restored")
    restored = nib.load(tmp_path / "out" / "sub-1.nii.gz")
    assert restored.shape == nib.load(source).shape
    np.testing.assert_allclose(restored.affine, nib.load(source).affine)
