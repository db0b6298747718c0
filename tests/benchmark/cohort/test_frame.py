"""The facts about pixels and slices in captions."""

import pytest

from benchmark.cohort.frame import frames, sentence, spacing
from benchmark.cohort.sheet import Patient, write_sheet


def patient(spacing: str, orientation: str = "ASL", role: str = "test") -> Patient:
    return Patient("p", "", "", "256x256x160", spacing, orientation, role, 0)


@pytest.mark.parametrize(
    ("orientation", "axis", "expected"),
    [
        ("ASL", "sagittal", (1.0, 1.2)),
        ("ASL", 2, (1.0, 1.2)),
        ("ASL", "coronal", (1.2, 0.9)),
        ("LAS", "axial", (1.0, 1.2)),
    ],
)
def test_spacing_is_along_the_slice_axis_given_by_plane_or_number(orientation, axis, expected):
    assert spacing(patient("0.9x1x1.2", orientation), axis) == expected


def test_sentence_states_frame_pixels_and_slice_spacing():
    text = sentence("Demo", [patient("1x1x1")], "sagittal", 64, 4)
    assert "frames of 64×64 pixels of 4 mm from 16×16 known pixels (scans averaged 4 to 1 in plane)" in text
    assert "slices 1 mm apart; slices so close" in text
    mixed = sentence("Mixed", [patient("1x1x1"), patient("1x1x3")], "sagittal", 64, 4)
    assert "slices so close" not in mixed  # not in every scan
    whole = sentence("Article", [patient("1x1x1"), patient("0.9x0.9x1.2")], "sagittal", 256, 1)
    assert (
        whole == "Article: frames of 256×256 pixels of 0.9 to 1 mm from 64×64 known pixels, slices 1 to 1.2 mm apart."
    )


def test_caption_has_a_sentence_for_each_sheet(tmp_path):
    write_sheet(tmp_path / "toy.tsv", [patient("2x2x1", "RAS")])
    about = {"antialias": True, "cohorts": {"toy": {"label": "Toy", "axis": "axial", "size": 32, "shrink": 1}}}
    assert frames([tmp_path / "toy.tsv"], about).startswith(" Toy: frames of 32×32 pixels of 2 mm from 8×8")
    assert "after a filter" in frames([tmp_path / "toy.tsv"], about)
    assert "without a filter" in frames([tmp_path / "toy.tsv"], about | {"antialias": False})
    assert frames([], about) == ""
