"""One page over all volumes of a folder."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from bids_data import dataset, issues, save
from zoom_scans import thick

from zoom.index import write_index
from zoom.request import request
from zoom.run import zoom


@pytest.fixture
def zoomed(config: dict[str, Any]) -> Callable[..., None]:
    def call(scan: Path, output: Path, **given: Any) -> None:
        zoom(request(config, scan, output, **{"n": 1, "method": "linear", **given}), config, lambda line: None)

    return call


def links_in(page: str) -> set[str]:
    return {unquote(unescape(link)) for link in re.findall(r'href="(?!data:)([^"]+)"', page)}


def test_every_volume_has_a_row_with_working_links(tmp_path: Path, zoomed: Callable) -> None:
    scans = dataset(tmp_path / "raw")
    out = tmp_path / "out"
    for scan in scans[:2]:
        zoomed(scan, out)
    save(tmp_path / "odd <name> #1.nii.gz", thick())
    zoomed(tmp_path / "odd <name> #1.nii.gz", out / "more")
    path = write_index(out, ["raw/x.nii.gz: <damaged>"])
    assert path == out / "index.html"
    page = path.read_text()
    assert page.count("<tr>") == 4
    assert page.count('<img src="data:image/png;base64,') == 3
    for link in links_in(page):
        assert (out / link).is_file(), link
    assert len([link for link in links_in(page) if link.endswith(".nii.gz")]) == 3
    assert "raw/x.nii.gz: &lt;damaged&gt;" in page
    assert "odd &lt;name&gt; #1_zoom</a>" in page
    assert "20 × 24 × 9 → 20 × 24 × 17" in page
    assert "3 volumes in this folder." in page
    assert not re.search(r"""(src|href)=["']https?:""", page)


def test_index_keeps_bids_derivatives_valid(tmp_path: Path, zoomed: Callable) -> None:
    zoomed(dataset(tmp_path / "raw", License="CC0")[0], tmp_path / "out")
    assert write_index(tmp_path / "out")
    assert issues(tmp_path / "out") == []


def test_index_lists_earlier_outputs_and_no_other_files(tmp_path: Path, zoomed: Callable) -> None:
    save(tmp_path / "a.nii.gz", thick())
    zoomed(tmp_path / "a.nii.gz", tmp_path / "out")
    for name, text in (("x.json", "{"), ("y.json", "[]"), ("z.json", '{"Zoom": {}}'), ("w.json", '{"Zoom": 3}')):
        (tmp_path / "out" / name).write_text(text)
    for _ in range(2):
        write_index(tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 volume in this folder" in page
    assert page.count("<tr>") == 2
    (tmp_path / "out" / "a_zoom.nii.gz").unlink()
    write_index(tmp_path / "out")
    assert "0 volumes" in (tmp_path / "out" / "index.html").read_text()


def test_warnings_are_counted_and_shown(tmp_path: Path, zoomed: Callable, weights: Path) -> None:
    save(tmp_path / "a_FLAIR.nii.gz", thick())
    zoomed(tmp_path / "a_FLAIR.nii.gz", tmp_path / "out", method="ours", weights=(str(weights),))
    write_index(tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "1 volume in this folder, 1 with warnings." in page
    assert "the weights were trained only on T1" in page


def test_index_of_another_program_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<html>mine")
    assert write_index(tmp_path) is None
    assert (tmp_path / "index.html").read_text() == "<html>mine"
    assert write_index(tmp_path / "gone") is None
    (tmp_path / "raw").mkdir()  # every scan failed: no page in a folder that holds something else
    assert write_index(tmp_path / "raw", ["one line"]) is None
