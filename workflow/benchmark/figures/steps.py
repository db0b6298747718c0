"""Figure 3: the method step by step, with the shape of a volume after each step."""

from itertools import pairwise

from matplotlib.figure import Figure

from benchmark.figures.boxes import DATA, NETWORK, STEP, Box, arrow, box, sheet
from benchmark.figures.setting import Setting, blocks


def draw(setting: Setting) -> tuple[Figure, str]:
    """A chain of steps in two rows, joined by arrows."""
    n, known = setting.spec["n"], setting.slices
    all_ = (known - 1) * (n + 1) + 1
    edsr = setting.of("edsr")
    steps = (
        ("low-resolution volume", f"{known} slices of {setting.low}\nspacing s", DATA),
        ("sampling in latents", f"{setting.sampler}\neach slice is a condition", NETWORK),
        (f"{known} latents", f"{setting.latent} each", DATA),
        ("interpolation", f"n = {n} new latents in each gap\n{all_} latents", STEP),
        ("decoding", f"to {setting.frame}\nfirst stage's decoder", NETWORK),
        ("sharpening", f"EDSR: {blocks(edsr['blocks'])} of {edsr['width']}", NETWORK),
        ("finer volume", f"{all_} slices of {setting.frame}\nspacing s / {n + 1}", DATA),
    )
    figure, axis = sheet(52)
    places = [Box(25 + 46.6 * column, 39, 38, 16) for column in range(4)]
    places += [Box(164.8 - 46.6 * column, 13, 38, 16) for column in range(3)]
    boxes = [box(axis, place, name, about, fill) for place, (name, about, fill) in zip(places, steps, strict=True)]
    for first, second in pairwise(boxes[:4]):
        arrow(axis, first.right, second.left)
    arrow(axis, boxes[3].bottom, boxes[4].top)
    for first, second in pairwise(boxes[4:]):
        arrow(axis, first.left, second.right)
    caption = (
        f"The method step by step, for example for a volume of {known} slices and n = {n}: in plane it becomes four "
        f"times finer, along the slice axis n + 1 times, with (S − 1)(n + 1) + 1 = {all_} slices at a spacing of "
        "s / (n + 1) (eqs. 10 and 11). Known slices take the same steps, without interpolation. Blue: data; orange: "
        "trained networks; green: a calculation. Sizes are those of this study's configuration."
    )
    return figure, caption
