"""Every page in a real browser: accessible, fits a phone's width, usable by keyboard, with the right content."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

NAMES = ("zoom", "viewer", "index", "verdict", "gallery", "table", "sorted", "survey")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
Opener = Callable[..., Any]


def wait_until_ready(page: Any, name: str) -> Any:
    """Waits for the viewer's volumes; begins the survey."""
    if name == "viewer":
        page.wait_for_selector("body[data-ready]", timeout=240_000)
    if name == "survey":
        page.fill("#rater", "A. Reader")
        page.click("#begin button")
    return page


def visible_pixels(page: Any, selector: str) -> np.ndarray:
    """The pixels of an element as shown, grey values (H, W)."""
    return np.asarray(Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("L")).astype(float)


@pytest.mark.parametrize(
    ("width", "colours"), [(1400, "light"), (1400, "dark"), (400, "light")], ids=["wide", "dark", "phone"]
)
@pytest.mark.parametrize("name", NAMES)
def test_page_meets_wcag_aa_and_fits_the_width(
    opened: Opener, pages: dict[str, Path], name: str, width: int, colours: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is not installed (envs/dev.txt)"
    )
    page = wait_until_ready(opened(pages[name], width, color_scheme=colours), name)
    assert page.title()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page, options=RULES)
    assert tuple(map(int, found.response["testEngine"]["version"].split("."))) >= (4, 12)
    assert len(found.response["passes"]) > 5
    assert found.violations_count == 0, found.generate_report()


def test_axe_finds_a_known_fault(opened: Opener, tmp_path: Path) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-core is not installed (envs/dev.txt)"
    )
    (tmp_path / "bad.html").write_text('<html lang="en"><title>t</title><img src="data:,"><input></html>')
    found = axe.Axe().run(opened(tmp_path / "bad.html"), options=RULES)
    assert {"image-alt", "label"} <= {one["id"] for one in found.response["violations"]}


def test_slider_shows_scan_interpolation_and_output_by_keyboard(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["zoom"])
    wipe = "figure:nth-of-type(2) .wipe"  # a view across the slices
    slider = page.locator("#cut")
    slider.focus()
    seen, texts = [], []
    for keys in (["Home"], ["PageUp"] * 5, ["End"]):
        for key in keys:
            page.keyboard.press(key)
        texts.append(slider.get_attribute("aria-valuetext"))
        seen.append(visible_pixels(page, wipe))
    assert texts == ["Only scan.", "Only plain interpolation.", "Only output."]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert np.abs(seen[one] - seen[other]).mean() > 0.5
    rows = [len(np.unique(one, axis=0)) for one in seen]
    assert rows[0] < rows[1]  # a thick slice is several rows that are the same
    page.keyboard.press("PageDown")
    assert slider.get_attribute("aria-valuetext") == "Left of the yellow line: output; right: plain interpolation."


def test_buttons_show_scan_interpolation_and_output(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["zoom"], 400)
    for name in ("scan", "plain interpolation", "output"):
        page.get_by_role("button", name=name, exact=True).click()
        assert page.locator("#sides").inner_text() == f"Only {name}."


def test_place_slider_shows_slice_number_and_millimetres(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["zoom"])
    slider = page.locator("#place")
    slider.focus()
    texts = []
    for key in ("Home", "ArrowRight", "End"):
        page.keyboard.press(key)
        texts.append(slider.get_attribute("aria-valuetext"))
        caption = page.locator("figure:nth-of-type(1) figcaption").first.inner_text()
        assert caption.split(": ")[1] in texts[-1]
    assert len(set(texts)) == 3
    assert texts[0].startswith("position 1 of 5: axial slice 4 of 12, ")


def test_table_cells_and_letters_are_large_enough_on_a_phone(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["zoom"], 400)
    assert page.locator("td").first.bounding_box()["width"] > 300
    letters = page.evaluate(
        "(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)(document.querySelector('svg text'))"
    )
    assert letters > 9


def test_viewer_shows_three_different_volumes(opened: Opener, pages: dict[str, Path]) -> None:
    page = wait_until_ready(opened(pages["viewer"]), "viewer")
    page.locator("[value='1']").check()  # coronal: across the slices
    page.wait_for_timeout(300)
    seen = [visible_pixels(page, f"#canvas{i}") for i in range(3)]
    for one in seen:
        assert (one > 60).mean() > 0.05
        assert len(np.unique(one)) > 20
    rows = [len(np.unique(one, axis=0)) for one in seen]
    assert rows[0] < rows[1]  # a thick slice is many rows of pixels that are the same
    assert np.abs(seen[1] - seen[2]).mean() > 0.2


def test_viewer_panels_move_together_by_keyboard_and_mouse(opened: Opener, pages: dict[str, Path]) -> None:
    page = wait_until_ready(opened(pages["viewer"]), "viewer")
    before = [visible_pixels(page, f"#canvas{i}") for i in range(3)]
    values = [page.locator(f"#value{i}").inner_text() for i in range(3)]
    slider = page.locator("#axis2")
    slider.focus()
    place = slider.get_attribute("aria-valuetext")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert slider.get_attribute("aria-valuetext") != place
    assert [page.locator(f"#value{i}").inner_text() for i in range(3)] != values
    for i in range(3):
        assert np.abs(visible_pixels(page, f"#canvas{i}") - before[i]).mean() > 0.2
    place = slider.get_attribute("aria-valuetext")
    box = page.locator("#canvas0").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.2)  # a click in the first picture
    page.wait_for_timeout(300)
    assert slider.get_attribute("aria-valuetext") != place


def test_viewer_without_webgl_shows_an_alert(opened: Opener, pages: dict[str, Path], tmp_path: Path) -> None:
    off = "<script>HTMLCanvasElement.prototype.getContext = () => null</script>"
    text = pages["viewer"].read_text(encoding="utf-8").replace("<main>", f"{off}<main>", 1)
    (tmp_path / "view.html").write_text(text, encoding="utf-8")
    page = opened(tmp_path / "view.html")
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "WebGL 2 is missing or switched off. zoomed.html shows sections" in alert.inner_text()


def test_survey_moves_the_focus_to_the_first_missing_answer(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["survey"], 400)
    page.get_by_role("button", name="Begin").click()
    assert page.evaluate("document.activeElement.id") == "rater"
    assert "name" in page.get_by_role("alert").first.inner_text()
    wait_until_ready(page, "survey")
    sections = page.locator("section")
    for radio in sections.first.locator("fieldset").all():
        radio.locator("input").first.check()
    page.get_by_role("button", name="Save").click()
    open_code = sections.nth(1).get_attribute("data-code")
    focused = "document.activeElement"
    assert page.evaluate(f"{focused}.name") == f"{open_code}.Q1"
    assert page.evaluate(f"(b => b.top >= 0 && b.bottom <= innerHeight)({focused}.getBoundingClientRect())")
    assert f"sequence {open_code}" in page.locator("#missing").inner_text()
    assert page.locator("#missing").get_attribute("role") == "alert"


def column_texts(page: Any, place: int = 0) -> list[str]:
    """Texts of a column, without headings of blocks and footnotes."""
    cells = f"[...document.querySelectorAll('tbody tr td:nth-child({place + 1})')]"
    return page.evaluate(f"{cells}.map(cell => cell.firstChild ? cell.firstChild.textContent : '')")


def test_table_is_sorted_by_keyboard_within_its_blocks(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["sorted"])
    heads = page.locator("thead th")
    assert column_texts(page) == ["b", "a", "c", "z", "y"]
    page.keyboard.press("Tab")  # the frame that scrolls
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # the second column's heading
    for key, order, methods in (
        ("Enter", "ascending", ["a", "b", "c", "z", "y"]),
        ("Space", "descending", ["c", "b", "a", "y", "z"]),
        ("Enter", None, ["b", "a", "c", "z", "y"]),
    ):
        page.keyboard.press(key)
        assert column_texts(page) == methods
        assert heads.nth(1).get_attribute("aria-sort") == order
        assert page.locator("th.group").all_inner_texts() == ["methods", "controls"]
        assert page.locator("tbody tr").first.inner_text() == "methods"


def test_table_is_sorted_by_number_with_missing_values_last(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["sorted"], 400)
    for name, up, down in (
        ("PSNR, dB", ["a", "b", "c", "z", "y"], ["c", "b", "a", "z", "y"]),  # y has none
        ("share, SSIM", ["b", "a", "c", "z", "y"], ["a", "b", "c", "y", "z"]),  # c has none
        ("method", ["a", "b", "c", "y", "z"], ["c", "b", "a", "z", "y"]),
    ):
        for methods in (up, down):
            page.get_by_role("button", name=name, exact=True).click()
            assert column_texts(page) == methods
    assert page.locator("[aria-sort]").count() == 1


def test_table_is_sorted_by_keyboard(opened: Opener, pages: dict[str, Path]) -> None:
    page = opened(pages["table"])
    first = page.locator("tbody td").first
    before = first.inner_text()
    page.locator("th button").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("th").first.get_attribute("aria-sort") == "ascending"
    assert first.inner_text() != before
    page.keyboard.press("Enter")
    assert page.locator("th").first.get_attribute("aria-sort") == "descending"
    assert first.inner_text() == before
