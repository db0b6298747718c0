"""The bench as a table: Markdown for reading and CSV for calculations."""

from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.files import write_csv, written
from benchmark.print.typeset import Cell, Table, markdown, number

TIMES = ["time, ms", "plain, ms", "plain / time", "limit, ms", "of the limit"]
COLUMNS = ["what", "unit", *TIMES, "memory, MB", "plain, MB"]


def write(rows: list[dict[str, Any]], title: str, caption: str, stem: Path) -> str:
    """Writes ``{stem}.csv`` and ``{stem}.md`` and returns the Markdown."""
    frame = pd.DataFrame(rows)
    table = Table(title, caption, COLUMNS)
    for row in frame.to_dict("records"):
        texts = [row["part"], row["unit"], _time(row["fast_ms"]), _time(row["plain_ms"]), number(row["ratio"], 2)]
        texts += [_time(row["limit_ms"]), "" if pd.isna(row["of_limit"]) else f"{row['of_limit']:.0%}"]
        texts += [number(row["fast_mb"], 0), number(row["plain_mb"], 0)]
        table.rows.append([Cell(text) for text in texts])
    text = markdown(table)
    write_csv(stem.with_suffix(".csv"), frame, "%.6g")
    with written(stem.with_suffix(".md")) as aside:
        aside.write_text(text, encoding="utf-8")
    return text


def _time(ms: float) -> str:
    """Three significant digits."""
    return number(ms, 0 if ms >= 100 else 1 if ms >= 10 else 2)
