"""One Chromium, and every kind of page that this project writes, made by code."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from zoom_scans import OBLIQUE, thick

FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # WebGL 2 without a GPU
WIDE, PHONE = 1400, 400
#: Rows of a table by block, as scores are printed: spreads, a proper minus, infinity, no value.
SORTED = {
    "methods": [("b", "0.9", "21.5 ± 0.3 (1.2)", "−3 %"), ("a", "0.85", "9.5", "12 %"), ("c", "0.95", "∞", "n/a")],
    "controls": [("z", "0.1", "1.0", "0 %"), ("y", "0.2", "", "5 %")],
}


# Not for the whole session: an open Playwright keeps an event loop running, which other tests must not find.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (envs/dev.txt)")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (tests/browser/packages installs it as root on Debian or Ubuntu)")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=[*FLAGS])
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page from its file, without a network; a failing script or any request to another address fails the
    test."""
    contexts, faults = [], []

    def open_page(path: Path, width: int = WIDE, **how: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # a machine may be busy with other tests
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url[:5] in ("file:", "data:", "blob:") else faults.append(request.url),
        )
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All kinds of page by name."""
    folder = tmp_path_factory.mktemp("pages")
    return zoomed(folder) | study(folder)


def zoomed(folder: Path) -> dict[str, Path]:
    """The page of a scan, thick enough that there is a correction to show, the viewer's, and the index of a batch."""
    from zoom.cli import main

    nib.save(nib.Nifti1Image(thick((40, 48, 12)), OBLIQUE), folder / "scan.nii.gz")
    scan = [str(folder / "scan.nii.gz"), "--method", "linear", "--viewer", "--thickness", "5", "--profile", "box"]
    assert main([*scan, "--n", "3", "-o", str(folder / "zoomed.nii.gz")]) == 0
    (folder / "damaged_with_a_long_name_that_has_to_be_broken_over_several_lines.nii.gz").write_bytes(b"x")
    assert main([str(folder), "--n", "1", "--method", "linear", "-o", str(folder / "batch")]) == 1
    index = folder / "batch" / "index.html"
    return {"zoom": folder / "zoomed.html", "viewer": folder / "zoomed_view.html", "index": index}


def study(folder: Path) -> dict[str, Path]:
    """Verdict, gallery, a table and the survey's form, with columns, names and pictures as long as in a study."""
    from PIL import Image

    from benchmark.print.typeset import Cell, Table, html
    from benchmark.report.pages import Picture, as_html, gallery, verdict_page
    from benchmark.survey.kit import form, pictures

    heads = [
        "cohort",
        "among",
        *(f"{name} of a long column" for name in ("SSIM", "PSNR", "LPIPS", "ε_min", "patients")),
    ]
    table = Table("Which mean is best", "Means over all test patients.", heads)
    table.notes.append("A published value that cannot be what it seems.")
    for cohort in ("OpenNeuro ds004199 FLAIR", "ATLAS R1.1"):
        table.rows.append([Cell(cohort), *(Cell(f"a method of a long name ({i / 7:.3f})") for i in range(6))])
    scores = Table("Table 1: scores", "Means.", ["method", "SSIM", "PSNR, dB", "share, SSIM"])
    for block, rows in SORTED.items():
        scores.rows += [block, *([Cell(text) for text in row] for row in rows)]
    scores.rows[1][1] = Cell("0.9", bold=True, note=scores.note("A footnote is not a number."))
    Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (300, 5))).save(folder / "fig05.png")
    caption = "What a figure shows, in a sentence."
    parts = ["What was run.", table, ["one point", "another"], Picture(folder / "fig05.png", "Figure 5", caption)]
    slices = np.random.default_rng(2).random((3, 60, 50)).astype(np.float32)
    texts = {
        "verdict": as_html("The verdict: this run and the article", verdict_page(parts)),
        "gallery": gallery("Figures", {"fig05.png": ("Figure 5: scores along the slices", caption)}),
        "table": html(table),
        "sorted": html(scores),
        "survey": form(pictures({"AB23": slices, "CD45": slices[::-1]})),
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in texts}
