"""The input of a method under the protocol, and the volumes that a restoring job writes."""

from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from benchmark import volume
from benchmark.cohort.protocol import Removal
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
