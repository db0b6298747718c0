"""Wall time and peak memory of every job, from Snakemake's benchmark files."""

from pathlib import Path

from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.report.cost import cost_table, jobs

with job(snakemake) as say:
    frame = jobs(snakemake.params.benchmarks)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, cost_table(frame))
    say(f"{len(frame)} jobs, {frame['seconds'].sum():.0f} s in total")
