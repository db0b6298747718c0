"""A hundred scans in a sheet."""

from pathlib import Path

import pytest

from benchmark.errors import UserError
from zoom.names import names
from zoom.request import request
from zoom.rows import read_rows

ROOT = Path(__file__).parents[2]


def sheet(path: Path, *lines: str) -> Path:
    path.write_text("\n".join("\t".join(line.split("|")) for line in lines) + "\n")
    return path


def test_rows_are_read_with_names_and_requests(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "zoom.tsv",
        "scan|name|method|weights|n|zoom|spacing|in_plane|axis|uncertainty|tile",
        "{data}/a.nii.gz||||4|||||",
        "b/sub-2/anat/sub-2_T1w.nii.gz|||||2.5|n/a|4|2|",
        "c.mgz|mine|ours|toy/1|||1.5||coronal|3|32",
    )
    rows = read_rows(path, data="somewhere")
    assert list(rows) == ["a_zoom", "sub-2/anat/sub-2_res-2p5x4x4_desc-zoom_T1w", "mine"]
    assert rows["a_zoom"].scan == "somewhere/a.nii.gz"
    assert rows["a_zoom"].requested == {"n": 4}
    assert rows["a_zoom"].trained is None
    assert rows["sub-2/anat/sub-2_res-2p5x4x4_desc-zoom_T1w"].requested == {"zoom": 2.5, "in_plane": 4, "axis": 2}
    wanted = {"method": "ours", "weights": ("toy/1",), "spacing": 1.5, "axis": "coronal", "uncertainty": 3, "tile": 32}
    assert rows["mine"].requested == wanted
    assert rows["mine"].trained == ("toy", "1")
    assert rows["mine"].named


def test_row_name_is_the_path_that_zoom_writes(tmp_path: Path) -> None:
    """A row without a name gets only a folder: both must give the same file."""
    path = sheet(tmp_path / "zoom.tsv", "scan|n", "x/sub-2/anat/sub-2_T1w.nii.gz|1", "y/plain.img|1")
    for name, row in read_rows(path).items():
        assert names(Path(row.scan), tmp_path / "zoom", "2x").image == tmp_path / "zoom" / f"{name}.nii.gz"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["scan|spacin", "a.nii|1"], "unknown column 'spacin'; did you mean 'spacing'"),
        (["scan|n"], "no scan in it"),
        (["scan|n", "|1"], "line 2: no scan"),
        (["scan|n|zoom", "a.nii|1|2"], "line 2: give one of"),
        (["scan|n", "a.nii|"], "line 2: give one of"),
        (["scan|n", "a.nii|many"], "line 2: n = 'many' is not a valid int"),
        (["scan|n", "a.nii|1", "b/a.nii.gz|2"], "line 3: 'a_zoom' is in two rows"),
    ],
)
def test_invalid_sheet_is_refused_with_file_and_line(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(UserError, match=str(tmp_path)) as raised:
        read_rows(sheet(tmp_path / "zoom.tsv", *lines))
    assert said in str(raised.value)


def test_missing_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such sheet"):
        read_rows(tmp_path / "gone.tsv")


def test_example_sheet_is_valid() -> None:
    rows = read_rows(ROOT / "config" / "zoom.tsv", data="results/data")
    assert all(row.scan == "results/data/phantom/thick.nii.gz" for row in rows.values())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_sheet_encodings_of_spreadsheets_are_read_or_refused(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "zoom.tsv"
    path.write_bytes("scan\tn\r\nStüdie/a.nii.gz\t2\r\n".encode(encoding))
    (row,) = read_rows(path).values()
    assert row.scan == "Stüdie/a.nii.gz"
    path.write_bytes("scan\tn\nStüdie/a.nii.gz\t2\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"zoom.tsv: its text is not UTF-8 \(byte 9\); save it as UTF-8"):
        read_rows(path)


def test_thickness_profile_and_orientation_columns_are_read(tmp_path: Path, config: dict) -> None:
    path = tmp_path / "zoom.tsv"
    path.write_text("scan\tn\tthickness\tprofile\torientation\na.nii\t2\t4.5\tbox\tASL\n", encoding="utf-8")
    (row,) = read_rows(path).values()
    zoom_request = request(config, row.scan, tmp_path, **row.requested)
    assert (zoom_request.thickness, zoom_request.profile, zoom_request.orientation) == ("4.5", "box", "ASL")


@pytest.mark.parametrize("name", ["../../../x", "a/../../x", "/tmp/x", "..", ".", "a/./b", "..\\x", "a\x07b", '"a\nb"'])
def test_name_outside_the_results_is_refused(tmp_path: Path, name: str) -> None:
    path = sheet(tmp_path / "zoom.tsv", "scan|n|name", f"a.nii|1|{name}")
    with pytest.raises(UserError, match=r"line 2: name = .*: give a path below the results' zoom folder") as raised:
        read_rows(path)
    assert "\n" not in str(raised.value)


def test_name_with_folders_and_dots_is_accepted(tmp_path: Path) -> None:
    path = sheet(tmp_path / "zoom.tsv", "scan|n|name", "a.nii|1|sub-1/anat/a..b.1")
    assert list(read_rows(path)) == ["sub-1/anat/a..b.1"]
