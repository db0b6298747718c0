"""The training log: a CSV of every number, a picture of the curves, and validation slices."""

import csv
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


class Waiting:
    """Measures the time spent on fetching slices: everything inside ``with waiting:``."""

    def __init__(self) -> None:
        self._fetching, self._since = 0.0, time.perf_counter()

    def __enter__(self) -> None:
        self._begun = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._fetching += time.perf_counter() - self._begun

    def share(self) -> float:
        """The share of the time since the last call that was spent on fetching slices, in [0, 1]."""
        now = time.perf_counter()
        share = self._fetching / (now - self._since)
        self._fetching, self._since = 0.0, now
        return round(share, 4)


@dataclass
class TrainingLog:
    """``rows``: one dict for each logged step. Files are ``{stem}.csv``, ``{stem}.png`` and ``{stem}_slices.png``.

    ``waits``: by step, the share of the time since the previous row that was spent on fetching slices. Times are not in
    ``rows``, so that ``rows`` are the same in every run of a training.
    """

    name: str
    stem: Path
    rows: list[dict[str, float]] = field(default_factory=list)
    waits: dict[float, float] = field(default_factory=dict)

    def add(self, step: int, numbers: dict[str, Tensor]) -> dict[str, float]:
        """Adds a row and returns it; this call waits for the device."""
        row = {"step": float(step), **{name: float(value) for name, value in numbers.items()}}
        self.rows.append(row)
        return row

    def write(self) -> None:
        """CSV and curve."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        timed: list[dict] = [row | {"wait": self.waits.get(row["step"])} for row in self.rows]
        with open(self.stem.with_suffix(".csv"), "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*columns, "wait"], lineterminator="\n")
            writer.writeheader()
            writer.writerows(timed)
        self._curves()

    def _curves(self) -> None:
        """A panel for each logged number: every value as a faint line, and the running median as a strong line."""
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        import pandas as pd
        import seaborn as sns

        table = pd.DataFrame(self.rows).melt("step", var_name="number", value_name="").dropna()
        window = max(1, len(self.rows) // 12)
        smooth = table.groupby("number", sort=False)[""].transform(
            lambda values: values.rolling(window, center=True, min_periods=1).median()
        )
        with sns.axes_style("whitegrid", {"axes.spines.top": False, "axes.spines.right": False}):
            grid = sns.FacetGrid(
                table.assign(smooth=smooth), col="number", col_wrap=2, sharey=False, height=1.9, aspect=1.6
            )
        grid.map(sns.lineplot, "step", "", color="#b9cfe0", linewidth=0.7, errorbar=None)
        grid.map(sns.lineplot, "step", "smooth", color="#0072B2", linewidth=1.4, errorbar=None)
        grid.set_titles("{col_name}").set_axis_labels("training step", "")
        for axis in grid.axes.flat:
            axis.set_title(axis.get_title().replace("_", " "), fontsize=9)
        grid.figure.suptitle(self.name, fontsize=10)
        grid.tight_layout()
        grid.savefig(self.stem.with_suffix(".png"), dpi=110)
        plt.close(grid.figure)

    def picture(self, rows: list[Tensor]) -> None:
        """One row of the picture for each tensor (B, 1, H, W); smaller images are enlarged without smoothing."""
        from torchvision.utils import save_image

        height = max(row.shape[-1] for row in rows)
        tiles = [torch.nn.functional.interpolate(row, size=(height, height), mode="nearest") for row in rows]
        grid = torch.cat([torch.cat(list(row), dim=-1) for row in tiles], dim=-2).clamp(0, 1)
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        save_image(grid, self.stem.with_name(self.stem.name + "_slices.png"))
