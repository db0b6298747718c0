"""The training log: a CSV of every number, its curve, and validation slices, as files anyone can open."""

import csv
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


@dataclass
class TrainingLog:
    """``rows``: one dict for each logged step. Files are ``{stem}.csv``, ``{stem}.png`` and ``{stem}_slices.png``.

    ``waits``: by step, the share of the time since the row before in which slices were fetched and nothing was learnt.
    Times are no part of ``rows``, which come out the same whenever a training is run.
    """

    name: str
    stem: Path
    rows: list[dict[str, float]] = field(default_factory=list)
    waits: dict[float, float] = field(default_factory=dict)

    def add(self, step: int, numbers: dict[str, Tensor]) -> dict[str, float]:
        """Adds a row (this is where the device is waited for) and returns it."""
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
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        losses = columns[1:]
        figure, axes = plt.subplots(len(losses), 1, figsize=(6, 1.6 * len(losses) + 0.6), sharex=True, squeeze=False)
        for axis, name in zip(axes[:, 0], losses, strict=True):
            points = [(row["step"], row[name]) for row in self.rows if name in row]
            axis.plot(*zip(*points, strict=True), linewidth=0.8)
            axis.set_ylabel(name.replace("_", " "), fontsize=7)
        axes[-1, 0].set_xlabel("training step")
        axes[0, 0].set_title(self.name)
        figure.tight_layout()
        figure.savefig(self.stem.with_suffix(".png"), dpi=110)
        plt.close(figure)

    def picture(self, rows: list[Tensor]) -> None:
        """One row of the picture for each tensor (B, 1, H, W); smaller ones are enlarged without smoothing."""
        from torchvision.utils import save_image

        height = max(row.shape[-1] for row in rows)
        tiles = [torch.nn.functional.interpolate(row, size=(height, height), mode="nearest") for row in rows]
        grid = torch.cat([torch.cat(list(row), dim=-1) for row in tiles], dim=-2).clamp(0, 1)
        self.stem.parent.mkdir(parents=True, exist_ok=True)
        save_image(grid, self.stem.with_name(self.stem.name + "_slices.png"))
