"""Each reader can read its layout."""

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import pytest

from benchmark.datasets import layouts, reader
from benchmark.files import sha256


def test_every_layout_is_read_by_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_PASSWORD", layouts.PASSWORD)
    blocks = layouts.write_all(tmp_path / "in", count=3)
    assert set(blocks) == {"oasis_trt", "oasis", "atlas", "openneuro", "brats"}
    for name, modality, slices in (
        ("oasis_trt", "T1", layouts.OASIS[0][2]),
        ("oasis", "T1", layouts.OASIS[0][2]),
        ("atlas", "T1", layouts.ATLAS[0][2]),
        ("openneuro", "FLAIR", layouts.OPENNEURO[0][0]),
        ("brats", "T1", layouts.BRATS[0][2]),
        ("brats", "T2", layouts.BRATS[0][2]),
        ("brats", "FLAIR", layouts.BRATS[0][2]),
    ):
        dataset = reader(name, tmp_path / "data" / name, modality=modality, slices=slices, **blocks[name])
        assert dataset.missing() is None
        assert len(dataset.subjects()) == 3
        assert all(dataset.refuse(path) is None for path in dataset.fetch(dataset.subjects()).values())


def test_layouts_written_again_are_unchanged(tmp_path: Path) -> None:
    layouts.write_all(tmp_path, count=1)
    before = {path: (path.stat().st_mtime_ns, sha256(path)) for path in tmp_path.rglob("*") if path.is_file()}
    layouts.write_all(tmp_path, count=1)
    after = {path: (path.stat().st_mtime_ns, sha256(path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert before == after
    layouts.write_all(tmp_path, count=1, seed=1)
    assert all(sha256(path) != digest for path, (_, digest) in before.items())


def test_analyze_files_have_the_header_of_oasis() -> None:
    raw, voxels = layouts.analyze(layouts.phantom(layouts.OASIS, "T1", 0, "x"))
    header = nib.AnalyzeHeader(raw)
    assert header.endianness == ">"
    assert header.get_data_shape() == (*layouts.OASIS[0], 1)
    assert header.get_data_dtype() == ">i2"
    assert raw[252] == 2
    assert len(voxels) == 32 * 32 * 22 * 2


def test_layouts_command_prints_the_config_blocks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmark.datasets.layouts", str(tmp_path), "--count", "1"],
        cwd=Path(layouts.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("oasis_trt: {'local': ")
