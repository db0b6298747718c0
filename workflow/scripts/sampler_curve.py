"""Scores against the number of evaluations: table and figure."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import write_caption, write_table
from benchmark.samplers import curve_figure
from benchmark.samplers.curve import curve_frame, curve_table
from benchmark.samplers.measure import counted, read_measured

with job(snakemake) as say:
    measured = read_measured(snakemake.input.measured)
    frame = curve_frame(measured)
    scans = counted(measured)
    table = curve_table(frame, snakemake.params.where, scans)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    save(curve_figure.draw(frame), snakemake.output.png, snakemake.output.pdf)
    write_caption(snakemake.output.about, curve_figure.caption(frame, snakemake.params.where, scans))
    say(table.caption)
