"""What each network does in plane, without the slices between: is it better than what it starts from?

PSNR of held-out slices, full frame, data range 1. SRGAN and WDSR start from bicubic ×4 of the same low-resolution
slice, EDSR from the diffusion's slice that it sharpens; the autoencoder and the first stage are asked to reproduce the
true slice, which starts from nothing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import psnr
from benchmark.seeds import derive

COLUMNS = ["network", "starting_point", "network_psnr", "start_psnr", "difference", "standard_error", "slices"]
MAGNIFY = ("srgan", "wdsr")
REPRODUCE = ("vq", "autoencoder")


def compare_networks(
    weights: Mapping[str, str | Path], volumes: Sequence[str | Path], options: Mapping[str, Any]
) -> pd.DataFrame:
    """One row (``COLUMNS``) for each network of ``weights`` that can be compared; EDSR needs ``vq`` and ``ldm`` too.

    ``weights``: safetensors by network. ``volumes``: truth, as preprocessed; slices without signal are left out.
    ``options``: ``seed``, ``chunk``, ``device`` and ``threads`` as of a restoring job, ``sampling`` (arguments of the
    class of ``ours``), and ``every`` (take each n-th slice).

    ``difference`` is the mean over slices of network − start in dB, paired; ``standard_error`` is that of this mean,
    or, where there is no start, of ``network_psnr``. Slices of one volume resemble each other, so it is optimistic.
    """
    import torch

    from models import weights as weight_files
    from models.interpolation import degrade
    from models.memory import USUAL
    from models.method import method

    torch.set_num_threads(options["threads"])
    device = options["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    networks = {name: weight_files.load(path, device) for name, path in weights.items()}
    chunk = USUAL if options["chunk"] == "auto" else options["chunk"]

    def apply(name: str, slices: np.ndarray) -> np.ndarray:
        """A network from pixels to pixels, ``chunk`` slices at a time."""
        with torch.inference_mode():
            parts = torch.from_numpy(slices).unsqueeze(1).split(chunk)
            made = torch.cat([networks[name](part.to(device)).float().cpu() for part in parts])
        return made.squeeze(1).clamp(0, 1).numpy()

    scores: dict[str, list[np.ndarray]] = {}
    for path in volumes:
        truth = volume.read(path)[0][:: options["every"]]
        truth = truth[truth.max(axis=(1, 2)) > 0]
        low = degrade(torch.from_numpy(truth).unsqueeze(1)).squeeze(1).clamp(0, 1).numpy()
        images = {name: apply(name, low) for name in MAGNIFY if name in networks}
        images |= {name: apply(name, truth) for name in REPRODUCE if name in networks}
        known = np.arange(len(truth))
        images["bicubic"] = method("linear", chunk=chunk).restore(low, known, known)
        if {"vq", "ldm", "edsr"} <= set(networks):
            own = {"seed": derive(options["seed"], "noise", "in plane", Path(path).name), "device": device}
            sampled = {name: networks[name] for name in ("vq", "ldm")}
            diffusion = method("ours", sampled, chunk=chunk, **own, **options["sampling"])
            images["diffusion"] = diffusion.restore(low, known, known)
            images["edsr"] = apply("edsr", images["diffusion"])
        for name, image in images.items():
            scores.setdefault(name, []).append(np.array([psnr(a, b) for a, b in zip(image, truth, strict=True)]))
    return _table({name: np.concatenate(parts) for name, parts in scores.items()})


def _table(scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """``scores``: PSNR of each slice by image; the rows are in the order of the article's networks."""
    starts = {"edsr": "diffusion", "srgan": "bicubic", "wdsr": "bicubic", "autoencoder": None, "vq": None}
    rows = []
    for name, start in starts.items():
        if name not in scores:
            continue
        own = scores[name]
        gain = own - scores[start] if start else own
        rows.append(
            {
                "network": name,
                "starting_point": start or "the true slice",
                "network_psnr": own.mean(),
                "start_psnr": scores[start].mean() if start else np.nan,
                "difference": gain.mean() if start else np.nan,
                "standard_error": gain.std(ddof=1) / np.sqrt(len(gain)),
                "slices": len(own),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def networks_table(frame: pd.DataFrame, cohort: str) -> Table:
    """``compare_networks`` as a table; a gain of more than two standard errors is bold."""
    table = Table(
        "Each network in plane",
        f"PSNR in dB, full frame, of slices of the test patients of {cohort}, by the networks of fold 1: what the "
        "network makes, what it starts from, and the paired difference ± its standard error over slices (optimistic: "
        "slices of one volume resemble each other). Bold: better than its start by more than two standard errors.",
        ["network", "starts from", "network", "start", "difference", "slices"],
    )
    for row in frame.itertuples():
        gain = f"{row.difference:+.2f} ± {row.standard_error:.2f}" if row.difference == row.difference else "–"
        start = number(row.start_psnr, 2) if row.difference == row.difference else "–"
        clear = row.difference > 2 * row.standard_error
        cells = [row.network, row.starting_point, number(row.network_psnr, 2), start]
        table.rows.append([*(Cell(str(text)) for text in cells), Cell(gain, bold=bool(clear)), Cell(str(row.slices))])
    return table
