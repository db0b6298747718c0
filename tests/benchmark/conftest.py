"""A small made-up study: score sheets on disk with numbers drawn by seed."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from loopback import serve_folder, server  # noqa: F401 (fixtures for the tests that download)

from benchmark.scores.metrics import COLUMNS


@pytest.fixture
def readable_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest closes the folders above ``tmp_path`` at each of its starts."""
    with TemporaryDirectory(prefix="readable-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def slice_scores(seed: int, subjects: tuple[str, ...] = ("p1", "p2"), slices: int = 9) -> pd.DataFrame:
    """Scores as ``benchmark.jobs.scoring`` writes them: slice 0 has no signal, slices 2, 5 and 7 are removed."""
    draw = np.random.default_rng(seed)
    tables = []
    for subject in subjects:
        table = pd.DataFrame({"subject": subject, "slice": np.arange(slices)})
        table["removed"] = table["slice"].isin([2, 5, 7])
        table = table.assign(region="brain", share=0.2, signal=table["slice"] > 0)
        for column in COLUMNS:
            table[column] = draw.uniform(20, 30, slices) if "psnr" in column else draw.uniform(0.1, 0.9, slices)
        table.loc[~table["signal"], COLUMNS] = np.nan
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


@pytest.fixture
def score_files(tmp_path: Path) -> list[Path]:
    """Two folds of ``ours`` and one sheet (fold 0) each of ``linear`` and ``truth`` for the cohort ``toy``."""
    files = []
    for seed, (fold, method) in enumerate([(1, "ours"), (2, "ours"), (0, "linear"), (0, "truth")]):
        path = tmp_path / "scores" / "toy" / f"fold{fold}" / f"{method}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = slice_scores(seed)
        if method == "truth":
            table.loc[table["signal"], COLUMNS] = [1.0, np.inf, 0.0] * 2
        table.to_csv(path, index=False)
        files.append(path)
    return files


@pytest.fixture
def labels() -> dict:
    """The part of a config that is printed."""
    return {
        "study": {"folds": 2, "methods": ["ours", "linear", "truth"]},
        "cohorts": {"toy": {"label": "phantom T1", "paper": "oasis", "patients": {"cv": 2, "test": 2}}},
        "methods": {
            "ours": {"label": "SR with SI (ours)", "kind": "method", "origin": "article", "features": ["vgg"]},
            "linear": {"label": "linear & more", "kind": "control", "origin": "project", "features": []},
            "truth": {"label": "truth", "kind": "oracle", "origin": "project", "features": []},
        },
    }
