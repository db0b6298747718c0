"""Figures 1 to 3 are drawn from the config: their numbers change with the config, and their text stays inside the
boxes."""

import pytest

from benchmark.config import load_config
from benchmark.figures import draw
from benchmark.figures.boxes import Box, box, sheet
from benchmark.figures.setting import Setting
from benchmark.plan import Plan


def setting(name: str, overlay: str | None = None) -> Setting:
    return Setting(**Plan(load_config(overlay)).figures.setting(name))


def texts(figure) -> str:
    return "\n".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("overlay", [None, "config/demo.yaml", "config/smoke.yaml"])
@pytest.mark.parametrize("name", ["fig01", "fig02", "fig03"])
def test_text_stays_inside_its_box_and_the_sheet(name, overlay):
    figure, caption = draw(setting(name, overlay))
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if hasattr(patch, "get_boxstyle")]
    assert caption
    for text in (t for t in figure.axes[0].texts if t.get_text()):
        place = text.get_window_extent()
        assert place.x0 >= 0 <= place.y0, text
        assert place.x1 <= width, text
        assert place.y1 <= height, text
        for around in boxes:
            inside = around.x0 <= (place.x0 + place.x1) / 2 <= around.x1
            if inside and around.y0 <= (place.y0 + place.y1) / 2 <= around.y1:
                assert around.x0 <= place.x0, text
                assert place.x1 <= around.x1, text
                assert around.y0 <= place.y0, text
                assert place.y1 <= around.y1, text


def test_diagrams_of_the_article_have_its_numbers():
    model = texts(draw(setting("fig01"))[0])
    for words in ("256×256×3", "64×64×3", "128 · 256 · 512", "160 · 320 · 320 · 640", "8192", "T = 200, η = 1", "1/8"):
        assert words in model
    assert "1/16" not in model  # the U-Net has no such level
    steps = texts(draw(setting("fig03"))[0])
    for words in ("160 slices of 64×64", "319 slices of 256×256", "n = 1", "16 blocks of 64"):
        assert words in steps


def test_diagrams_of_the_demo_have_its_numbers():
    model = texts(draw(setting("fig01", "config/demo.yaml"))[0])
    for words in ("64×64×3", "16×16×3", "16 · 32 · 64", "T = 20, η = 1", "of 512", "1 block a level"):
        assert words in model


def test_box_has_the_requested_position():
    figure, axis = sheet(40)
    place = box(axis, Box(50, 20, 30, 10), "name")
    assert (place.left, place.right, place.top, place.bottom) == ((35, 20), (65, 20), (50, 25), (50, 15))
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(190)
