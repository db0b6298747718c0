"""Numbers and words on the command line, rows of a sheet and sidecars: taken as they are, or refused in one line."""

import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from commands import command
from fuzz import assert_valid_or_refused, fuzz
from hypothesis import given
from hypothesis import strategies as st
from json_values import BYTES, edited, json_bytes
from zoom_scans import thick

from benchmark.config import load_config
from zoom.request import request
from zoom.rows import COLUMNS, read_rows
from zoom.run import zoom

NUMBERS = ["0", "-1", "1", "2", "3", "2.5", "nan", "inf", "-inf", "1e308", "1e-308", "1e400", "-5", "2000000000"]
NUMBERS += ["9" * 30, "1" * 5000, "", "²", "٣", "x", "0x10", "1_0", "0.0", "-0", "1e9"]
WORDS = ["", "auto", "linear", "spline", "truth", "slab", "../x", "a" * 300, "a\nb", "\udcff", "*", "/", ".", "toy/1"]
NUMERIC = (
    "--axis",
    "--steps",
    "--tile",
    "--thickness",
    "--uncertainty",
    "--seed",
    "--memory",
    "--threads",
    "--in-plane",
)
TEXTUAL = (
    "--orientation",
    "--method",
    "--weights",
    "--profile",
    "--dtype",
    "--device",
    "--results",
    "--axis",
    "--config",
)
SETTINGS = st.tuples(st.sampled_from(NUMERIC), st.sampled_from(NUMBERS)) | st.tuples(
    st.sampled_from(TEXTUAL), st.sampled_from([*WORDS, "ASL", "LPS", "AAA", "point", "box", "int16", "cuda", "cpu"])
)
HEADER = {"SliceThickness": 4.0, "SpacingBetweenSlices": 5.0, "EchoTime": 0.1, "Manufacturer": "x", "Units": {"a": 1}}
HEADER |= {"SkullStripped": False, "Sources": ["a"], "SpatialReference": {"x": "bids::y"}, "PatientName": "z"}


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scan")
    path = folder / "scan.nii.gz"
    nib.save(nib.Nifti1Image(thick(), np.diag([1, 1, 5, 1.0])), path)
    for dry in ([], ["--dry-run"]):  # imports what the processes of the inputs then have already
        command([path, "-o", folder / "o.nii", "--n", "1", "--threads", "1", *dry])
        shutil.rmtree(folder / "o.nii", ignore_errors=True)
        for made in folder.glob("o.*"):
            made.unlink()
    return path


@fuzz(examples=15)
@given(
    zoom_option=st.tuples(st.sampled_from(["--n", "--zoom", "--spacing"]), st.sampled_from(NUMBERS)),
    more=st.lists(SETTINGS, max_size=2),
    dry=st.booleans(),
)
def test_command_line_options_are_accepted_or_refused(
    zoom_option: tuple[str, str], more: list[tuple[str, str]], dry: bool, scan: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    options = [f"{key}={value}" for key, value in [zoom_option, *more]]
    words = [scan, "-o", out / "o.nii", "--memory", "1", "--threads", "1", *options, *(["--dry-run"] if dry else [])]
    named = [scan, *(key for key, _ in [zoom_option, *more]), *(value for _, value in more if value)]
    assert_valid_or_refused("command line", lambda: command(words), *named, "device cuda", output_folder=out)
    shutil.rmtree(out)


CELLS = st.sampled_from(
    [*NUMBERS, *WORDS, "scan.nii", "n/a", "{results}/x.nii", "~x/y", "~", "..", "/", ".nii", "a\0b"]
)


@fuzz(examples=60)
@given(data=st.data())
def test_zoom_sheet_is_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "zoom.tsv"
    if data.draw(st.integers(0, 4)) == 0:
        content = data.draw(BYTES)
    else:
        columns = ["scan", "n", *data.draw(st.lists(st.sampled_from([*COLUMNS, "x", ""]), max_size=3))]
        usual = {"scan": "scan.nii", "n": "1"}
        rows = data.draw(
            st.lists(st.tuples(*(CELLS | st.just(usual.get(key, "")) for key in columns)), min_size=1, max_size=3)
        )
        text = "\n".join("\t".join(row) for row in [columns, *rows])
        code = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
        content = text.encode(code, "replace")
    path.write_bytes(content)
    assert_valid_or_refused("zoom sheet", lambda: read_rows(path, results="results", data="data"), path)


@fuzz(examples=10)
@given(content=edited(HEADER).map(json_bytes) | BYTES, bids=st.booleans())
def test_sidecar_is_read_or_refused(content: bytes, bids: bool, scan: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "sub-1" / "anat" if bids else tmp_path / "raw"
    shutil.rmtree(tmp_path / "raw", ignore_errors=True)
    folder.mkdir(parents=True)
    path, out = folder / "sub-1_T2w.nii.gz", tmp_path / "raw" / "out"
    shutil.copy(scan, path)
    file = tmp_path / "raw" / "T2w.json" if bids else folder / "sub-1_T2w.json"
    file.write_bytes(content)
    config: dict[str, Any] = load_config()

    def call() -> None:
        zoom(request(config, path, out, n=1, method="linear"), config, lambda line: None)
        for made in out.rglob("*.json"):
            json.loads(made.read_text(encoding="utf-8"), parse_constant=lambda word: 1 / 0)

    out.mkdir()
    assert_valid_or_refused("sidecar", call, file, output_folder=out)
