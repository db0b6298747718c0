"""One middle slice of each cohort, upright: a wrong axis or orientation is seen at once."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from benchmark import volume
from benchmark.figures.detail import patient, read_detail
from benchmark.print.style import FULL, grid, picture, white


def overview(details: Mapping[str, str], volumes: Mapping[str, str], planes: Mapping[str, str]) -> tuple[Figure, str]:
    """The first test patient of each cohort that may be pictured; all arguments are by cohort label.

    ``details``: detail sheets; ``volumes``: folders of truth volumes; ``planes``: the slice axis in the config.
    """
    across = min(3, len(details))
    figure, axes = grid(-(-len(details) // across), across, (1, 1), width=FULL * across / 3, labels=0.35)
    for axis in axes.flat:
        picture(axis, None)
    for axis, (label, detail) in zip(axes.flat, details.items(), strict=False):
        subject = patient(read_detail(detail), 1)
        slices, _ = volume.read(Path(volumes[label]) / f"{subject}.nii.gz")
        middle = slices[len(slices) // 2]
        picture(axis, middle, white(middle), interpolation="bicubic")
        axis.set_title(f"{label}: {subject}\n{planes[label]}, slice {len(slices) // 2} of {len(slices)}")
    caption = (
        "The middle slice of one test patient of each cohort as the study sees it: superior or anterior is up, and "
        "axial and coronal slices show the patient's right on the left. Pixels are smoothed for display."
    )
    return figure, caption
