"""The contest's tables: scores, certainty of the champion's lead, and the gain of each part."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.contest.parts import parts_frame, parts_table
from benchmark.contest.table import certainty, certainty_table, contest_frame, contest_table
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.scores.aggregate import read_scores

with job(snakemake) as say:
    about, folder = snakemake.params.about, Path(snakemake.output[0]).parent
    scores = read_scores(snakemake.input.scores)
    frame = contest_frame(scores, about["contest"]["methods"])
    slices = frames(snakemake.input.sheets, snakemake.params.frame)
    table = contest_table(frame, about)
    table.caption += slices
    write_table(folder / "contest", frame, table)
    sure = certainty(scores, about, **snakemake.params.options)
    table = certainty_table(sure, about)
    table.caption += slices
    write_table(folder / "contest_certainty", sure, table)
    parts = parts_frame(read_scores(snakemake.input.parts or snakemake.input.scores), about)
    apart = parts_table(parts, about)
    apart.caption += slices
    write_table(folder / "contest_parts", parts, apart)
    say(table.caption)
