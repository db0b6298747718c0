"""Results that a power failure, a full disk or a user damaged: one line with the file and what to do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark import volume
from benchmark.cohort.protocol import Removal, read_removal, write_removal
from benchmark.errors import UserError
from benchmark.files import read_csv, reading_result, write_csv
from benchmark.report.cost import jobs

Write, Read = Callable[[Path], None], Callable[[Path], object]
NOISE = np.random.default_rng(0).random((9, 30, 30), dtype=np.float32)
TABLE = pd.DataFrame({"subject": ["a", "b"], "psnr": [1.0, 2.0]})
READERS: dict[str, tuple[str, Write, Read]] = {
    "volume": ("v.nii.gz", lambda path: volume.write(path, NOISE, np.eye(4)), volume.read),
    "shape": ("v.nii.gz", lambda path: volume.write(path, NOISE, np.eye(4)), volume.shape),
    "scores": ("s.csv", lambda path: write_csv(path, TABLE), read_csv),
    "removed": ("r.tsv", lambda path: write_removal(path, Removal(9, np.array([1, 4]))), read_removal),
    "cost": ("c.tsv", lambda path: path.write_text("s\tmax_rss\tcpu_time\n1\t2\t3\n"), lambda path: jobs(path.parent)),
}
DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4]),
}


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        *(("volume", damage) for damage in DAMAGE),
        *((kind, damage) for kind in ("shape", "scores", "removed") for damage in ("missing", "empty", "zeros")),
        *(("cost", damage) for damage in ("empty", "zeros")),
    ],
)
def test_damaged_result_is_named_with_advice(tmp_path: Path, kind: str, damage: str) -> None:
    name, write, read = READERS[kind]
    write(tmp_path / name)
    read(tmp_path / name)
    DAMAGE[damage](tmp_path / name)
    with pytest.raises(UserError) as caught:
        read(tmp_path / name)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / name}: missing or damaged (")
    assert said.endswith("start again: Snakemake makes it again")


def test_full_memory_does_not_count_as_damage(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), reading_result(tmp_path):
        raise MemoryError
