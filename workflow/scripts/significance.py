"""Table and heat map of every comparison."""

from pathlib import Path

import pandas as pd

from benchmark.cohort.frame import frames
from benchmark.figures.dominance import heat_map
from benchmark.files import read_csv
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import write_caption, write_table
from benchmark.scores.comparisons import significance_table

with job(snakemake) as say:
    frame = pd.concat([read_csv(path) for path in snakemake.input.compared], ignore_index=True)
    labels = snakemake.params.labels
    table = significance_table(frame, labels)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    figure, caption = heat_map(frame, labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_caption(snakemake.output.figure_caption, caption)
    say(f"{len(frame)} comparisons, {frame['verdict'].value_counts().to_dict()}")
