"""Table 6, from one sheet per setting and cohort."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.samplers.measure import counted, read_measured
from benchmark.samplers.table6 import sampler_frame, sampler_table

with job(snakemake) as say:
    measured = read_measured(snakemake.input.measured)
    frame = sampler_frame(measured)
    scans = counted(measured)
    table = sampler_table(frame, snakemake.params.where, scans)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(f"table 6: {len(frame)} rows")
