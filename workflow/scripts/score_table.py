"""One of the tables 1–4, from slice scores."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.cohort.sheet import read_sheet
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.scores.aggregate import read_scores
from benchmark.scores.published import Published
from benchmark.scores.score_table import score_frame, score_table

with job(snakemake) as say:
    labels, number = snakemake.params.labels, snakemake.wildcards.table
    sheets = {Path(path).stem: read_sheet(path) for path in snakemake.input.sheets}
    published = Published(Path(snakemake.input.paper[0]).parent)
    frame = score_frame(read_scores(snakemake.input.scores), list(sheets), labels, published)
    table = score_table(frame, number, labels, sheets, snakemake.params.stand_in)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(f"table {number}: {len(frame)} rows, {len(table.notes)} flags")
