"""Time and memory of every job: wall time and peak memory, from Snakemake's benchmark files."""

from pathlib import Path

import pandas as pd

from benchmark.files import reading_result
from benchmark.print.typeset import Cell, Table, number


def jobs(folder: str | Path) -> pd.DataFrame:
    """One row for each file under ``{results}/benchmarks``, sorted by path.

    ``stage`` is the first folder, ``job`` the rest of the path; ``seconds`` of wall time, ``peak_mb`` of resident
    memory (including child processes; NaN if the job ended before it could be measured), ``cpu_seconds``.
    """
    rows = []
    for path in sorted(Path(folder).rglob("*.tsv")):
        name = path.relative_to(folder).with_suffix("").as_posix()
        stage, _, job = name.partition("/")
        with reading_result(path):
            runs = pd.read_csv(path, sep="\t", na_values=["-"])
            rows.append(
                {
                    "stage": stage,
                    "job": job or stage,
                    "seconds": float(runs["s"].median()),
                    "peak_mb": float(pd.to_numeric(runs["max_rss"]).max()),
                    "cpu_seconds": float(pd.to_numeric(runs["cpu_time"]).median()),
                }
            )
    return pd.DataFrame(rows, columns=["stage", "job", "seconds", "peak_mb", "cpu_seconds"])


def kind(row: pd.Series) -> str:
    """The group under which a job is summed: networks and methods by name, other stages by stage."""
    return f"{row['stage']} {row['job'].split('/')[-1]}" if "/fold" in row["job"] else row["stage"]


def cost_table(frame: pd.DataFrame) -> Table:
    """Jobs by kind: number, longest time, total time, and the highest peak of memory."""
    total = frame["seconds"].sum()
    table = Table(
        "Time and memory of every job",
        f"Wall time and peak resident memory as Snakemake measured them: {len(frame)} jobs, {number(total / 60, 1)} "
        "minutes if run one after another. The CSV has a row for each job.",
        ["jobs of", "number", "median, s", "longest, s", "sum, s", "peak memory, MB"],
    )
    for name, rows in frame.groupby(frame.apply(kind, axis=1), sort=True):
        numbers = [rows["seconds"].median(), rows["seconds"].max(), rows["seconds"].sum()]
        line = [str(name), str(len(rows)), *(number(v, 1) for v in numbers), number(rows["peak_mb"].max(), 0)]
        table.rows.append([Cell(text) for text in line])
    return table
