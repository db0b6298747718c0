"""A small cohort with restored volumes, gaps and scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from figure_scenes import LABELS, SPEC, Linear

from benchmark import volume
from benchmark.cohort.protocol import Removal, write_removal
from benchmark.datasets.phantom import phantom
from benchmark.figures.detail import detail_sheet, read_detail, write_detail
from benchmark.figures.gaps import gap, restore_gap


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> dict[str, list[str]]:
    """Two phantoms of 24 slices, four removed, with restored volumes, gaps and scores by three methods."""
    home = tmp_path_factory.mktemp("cohort")
    files: dict[str, list[str]] = {"volumes": [], "removals": [], "restored": [], "gaps": [], "scores": []}
    removal = Removal(24, np.array([5, 9, 12, 17]))
    for seed, subject in enumerate(("p1", "p2")):
        slices = np.moveaxis(phantom((32, 32, 24), "T1", seed), 2, 0)
        path = home / "volumes" / f"{subject}.nii.gz"
        volume.write(path, slices / slices.max(), np.diag([1.0, 1, 2, 1]))
        write_removal(home / f"{subject}.tsv", removal)
        files["volumes"].append(str(path))
        files["removals"].append(str(home / f"{subject}.tsv"))
    write_detail(home / "detail.tsv", detail_sheet(files["volumes"], files["removals"], ["p1", "p2"]))
    detail = read_detail(home / "detail.tsv")
    for i, method in enumerate(LABELS):
        for path in files["volumes"]:
            truth, affine = volume.read(path)
            volume.write(home / "restored" / method / Path(path).name, truth * (1 - 0.02 * i), affine)
        for n in (2, 6, 10):
            asked = gap(SPEC | {"n": n}, detail)
            restore_gap(Linear(), asked, home / "volumes" / f"{asked.subject}.nii.gz", home / "gaps" / method)
        files["restored"].append(str(home / "restored" / method))
        files["gaps"].append(str(home / "gaps" / method))
        scores = pd.DataFrame({"subject": "p1", "slice": range(24), "signal": True})
        scores["removed"] = scores["slice"].isin(removal.removed)
        scores = scores.assign(ssim=0.9 - 0.1 * i, psnr=30.0 - i, lpips=0.1 * i)
        target = home / "scores" / "toy" / f"fold{int(method != 'linear')}" / f"{method}.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        scores.to_csv(target, index=False)
        files["scores"].append(str(target))
    return files | {"detail": str(home / "detail.tsv")}
