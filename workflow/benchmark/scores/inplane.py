"""Each network in plane, without new slices between: is its output better than its starting point?

PSNR of held-out slices, full frame, data range 1. A network that magnifies (SRGAN, WDSR, Quartet) starts from bicubic
×4 of the same low-resolution slice, EDSR from the diffusion's slice that it sharpens; the autoencoder and the first
stage reproduce the true slice and have no starting point. The network's module says which case applies
(``benchmark.config.networks.About``).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark import volume
from benchmark.config.networks import STARTS, about
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import psnr
from benchmark.scores.region import region
from benchmark.seeds import derive

COLUMNS = ["network", "starting_point", "network_psnr", "start_psnr", "difference", "least", "greatest"]
COLUMNS += ["patients", "slices"]
START_NAMES = {"diffusion": "the diffusion's slice", "bicubic": "bicubic ×4"}


def compare_networks(
    weights: Mapping[str, str | Path], volumes: Sequence[str | Path], options: Mapping[str, Any]
) -> pd.DataFrame:
    """One row (``COLUMNS``) for each network of ``weights`` that can be compared; EDSR also needs the diffusion's
    weights.

    ``weights``: safetensors by network. ``volumes``: truth, as preprocessed, one a patient; slices that tables 1–4
    would leave out for lack of signal are left out.
    ``options``: ``seed``, ``chunk``, ``device`` and ``threads`` as for a restoring job, ``sampling`` (arguments of the
    class of ``ours``), and ``every`` (use every n-th slice).

    Means over slices, then patients. ``difference``: network − start in dB; ``least`` and ``greatest``: of the
    patients' differences. Slices of one patient are similar, so their number says nothing about other patients.
    """
    import torch

    torch.set_num_threads(options["threads"])
    pictures = InPlane(weights, options)
    scores: dict[str, list[np.ndarray]] = {}
    for path in volumes:
        truth, affine = volume.read(path)
        numbers = np.arange(0, len(truth), options["every"])
        numbers = numbers[region(truth, affine).signal[numbers]]
        seed = derive(options["seed"], "noise", "in plane", Path(path).name)
        for name, images in pictures.of(truth, numbers, seed).items():
            psnrs = [psnr(image, true) for image, true in zip(images, truth[numbers], strict=True)]
            scores.setdefault(name, []).append(np.array(psnrs))
    return _table(scores, pictures.starts)


class InPlane:
    """The networks of ``weights``, each applied in plane. ``starts``: the image that each is compared with."""

    def __init__(self, weights: Mapping[str, str | Path], options: Mapping[str, Any]) -> None:
        from models import auto
        from models import weights as weight_files
        from models.streaming import CPU_CHUNK

        self.chunk = CPU_CHUNK if options["chunk"] == "auto" else options["chunk"]
        self.options, self.device = options, auto.device(options["device"])
        self.networks = {name: weight_files.load(path, self.device) for name, path in weights.items()}
        self.classes = {name: weight_files.class_in(path) for name, path in weights.items()}
        self.abouts = {name: about(class_) for name, class_ in self.classes.items()}
        self.starts = {name: facts.in_plane for name, facts in self.abouts.items() if facts.in_plane}
        if not any(facts.samples for facts in self.abouts.values()):
            self.starts = {name: start for name, start in self.starts.items() if start != "diffusion"}

    def of(self, truth: np.ndarray, numbers: np.ndarray, seed: int) -> dict[str, np.ndarray]:
        """Slices ``numbers`` (S') of the volume ``truth`` (S, H, W), as each network outputs them, by name, (S', H, W).

        The result also has the starting images ``bicubic`` and ``diffusion``; the noise of ``diffusion`` is drawn from
        ``seed``.
        """
        import torch

        from models.interpolation import degrade

        coarse = degrade(torch.from_numpy(truth).unsqueeze(1), antialias=self.options.get("antialias", True))
        low = coarse.squeeze(1).clamp(0, 1).numpy()
        images = {"bicubic": self.restored("linear", {}, low, numbers)}
        if "diffusion" in self.starts.values():
            parts = {self.classes[n]: self.networks[n] for n in self.networks if self._makes_diffusion(n)}
            options = {"seed": seed, **self.options["sampling"]}
            images["diffusion"] = self.restored("ours", parts, low[numbers], np.arange(len(numbers)), **options)
        for name, start in self.starts.items():
            if start == "bicubic":
                alone = {self.classes[name]: self.networks[name]}
                images[name] = self.restored(self.abouts[name].method, alone, low, numbers)
            else:
                images[name] = self.applied(name, images["diffusion"] if start == "diffusion" else truth[numbers])
        return images

    def _makes_diffusion(self, name: str) -> bool:
        return self.abouts[name].samples or self.classes[name] == "vq"

    def restored(
        self, name: str, networks: Mapping[str, Any], low: np.ndarray, numbers: np.ndarray, **options: Any
    ) -> np.ndarray:
        """Low-resolution slices (S, h, w), all known, restored by a method: the slices numbered ``numbers`` (S'), (S',
        4h, 4w)."""
        from models.method import method

        restorer = method(name, networks, chunk=self.chunk, device=self.device, **options)
        return restorer.restore(low, np.arange(len(low)), numbers)

    def applied(self, name: str, slices: np.ndarray) -> np.ndarray:
        """A network from pixels to pixels, ``chunk`` slices at a time: (S, H, W) → (S, H, W)."""
        import torch

        with torch.inference_mode():
            parts = torch.from_numpy(slices).unsqueeze(1).split(self.chunk)
            made = torch.cat([self.networks[name](part.to(self.device)).float().cpu() for part in parts])
        return made.squeeze(1).clamp(0, 1).numpy()


def _table(scores: Mapping[str, Sequence[np.ndarray]], starts: Mapping[str, str]) -> pd.DataFrame:
    """``scores``: PSNR of each patient's slices by image; rows in the order of ``STARTS``, then of the networks."""
    means = {name: np.array([part.mean() for part in parts]) for name, parts in scores.items()}
    rows = []
    for name in sorted(starts, key=lambda name: STARTS.index(starts[name])):
        start = means.get(starts[name], np.full(len(means[name]), np.nan))
        gain = means[name] - start
        rows.append(
            {
                "network": name,
                "starting_point": starts[name],
                "network_psnr": means[name].mean(),
                "start_psnr": start.mean(),
                "difference": gain.mean(),
                "least": gain.min(),
                "greatest": gain.max(),
                "patients": len(gain),
                "slices": sum(map(len, scores[name])),
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def networks_table(frame: pd.DataFrame, cohort: str, labels: Mapping[str, str]) -> Table:
    """``compare_networks`` as a table; bold: ahead of its start on every patient. ``labels``: by network."""
    some = frame.iloc[0]
    table = Table(
        "Each network in plane",
        f"PSNR in dB, full frame, of {some['slices']} slices of {some['patients']} test patients of {cohort}, by the "
        "networks of fold 1: the network's output, its starting point, and the difference; means over slices, then "
        "patients. In brackets: the least and the greatest difference of a patient. Bold: ahead of its start on every "
        "patient, which with few patients says little about others. Slices of which the head or brain covers too "
        "little are left out, as in tables 1 to 4.",
        ["network", "starts from", "PSNR of the network, dB", "PSNR of the start, dB", "difference, dB"],
    )
    for row in frame.itertuples():
        compared = not pd.isna(row.difference)
        ends = f"[{number(row.least, 2, sign=True)}, {number(row.greatest, 2, sign=True)}]"
        gain = f"{number(row.difference, 2, sign=True)} {ends}" if compared else "–"
        texts = [
            labels[row.network],
            START_NAMES.get(row.starting_point, row.starting_point),
            number(row.network_psnr, 2),
            number(row.start_psnr, 2) if compared else "–",
        ]
        table.rows.append([*(Cell(text) for text in texts), Cell(gain, bold=bool(row.least > 0))])
    return table
