"""Pictures of one scan by several methods next to the truth, in the planes across its slices."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmark.files import written
from zoom.pictures import MIDDLE, Field, cuts, views

MARGIN = 6  # pixels around the head, and between pictures
LINE = 22  # pixels, for the name above each picture
SHADES = 64  # grey levels: as many as are visible, in a file of half the size


def save(folder: Path, name: str, plane: str, spacing: tuple[float, float, float], fields: Mapping[str, Field]) -> None:
    """Writes ``folder/name_PLANE.png`` for the two planes across slices that are ``plane``.

    ``spacing``: of the scan, the first of ``fields``, in mm: slices, rows, columns. The other fields show the same
    position; the last field is the truth. Black is 0, white is 1.
    """
    first = next(iter(fields.values()))
    shape = first.store.shape
    for view in views(plane, shape, spacing):
        if view.plane == plane:
            continue
        made = [np.nan_to_num(cuts(field, [view], [MIDDLE])[view.plane][0]).clip(0, 1) for field in fields.values()]
        shown = np.argwhere(made[-1] > 0.02)
        low, high = np.maximum(shown.min(axis=0) - MARGIN, 0), shown.max(axis=0) + 1 + MARGIN
        part = [one[low[0] : high[0], low[1] : high[1]] for one in made]
        height, width = part[0].shape
        sheet = Image.new("L", (len(part) * (width + MARGIN) - MARGIN, height + LINE), 255)
        font = ImageFont.load_default(14)
        for number, (label, one) in enumerate(zip(fields, part, strict=True)):
            left = number * (width + MARGIN)
            levels = np.rint(one * (SHADES - 1)) * (255 // (SHADES - 1))
            sheet.paste(Image.fromarray(levels.astype(np.uint8)), (left, LINE))
            ImageDraw.Draw(sheet).text((left + width / 2, LINE / 2), label, fill=0, font=font, anchor="mm")
        folder.mkdir(parents=True, exist_ok=True)
        with written(folder / f"{name}_{view.plane}.png") as aside:
            sheet.save(aside, "PNG", optimize=True)
