"""Time and memory for n new slices, next to the published numbers; is time linear in n, is memory flat?"""

from pathlib import Path

import pandas as pd

from benchmark.cohort.frame import frames
from benchmark.files import read_csv
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.samplers.efficiency import efficiency_frame, efficiency_table

with job(snakemake) as say:
    measured = pd.concat([read_csv(path) for path in snakemake.input.measured], ignore_index=True)
    frame = efficiency_frame(measured)
    table = efficiency_table(frame, snakemake.params.where)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(table.caption)
