"""What n costs beside the published seconds, and whether it is linear in n with memory flat."""

from pathlib import Path

import pandas as pd

from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.samplers.efficiency import efficiency_frame, efficiency_table

with job(snakemake) as say:
    measured = pd.concat([pd.read_csv(path) for path in snakemake.input], ignore_index=True)
    frame = efficiency_frame(measured)
    table = efficiency_table(frame, snakemake.params.where)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(table.caption)
