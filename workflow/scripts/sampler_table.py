"""Table 6, from one sheet per setting and cohort."""

from pathlib import Path

import pandas as pd

from benchmark.cohort.frame import frames
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.samplers.table6 import sampler_frame, sampler_table

with job(snakemake) as say:
    text = {"dtype": {"subject": str, "eta": str}, "keep_default_na": False}
    measured = pd.concat([pd.read_csv(path, **text) for path in snakemake.input.measured], ignore_index=True)
    numbers = ["ssim", "psnr", "lpips", "seconds_per_slice", "peak_mb"]
    measured[numbers] = measured[numbers].apply(pd.to_numeric)
    frame = sampler_frame(measured)
    patients = measured.groupby("cohort")["subject"].nunique().sum()
    table = sampler_table(frame, snakemake.params.where, patients)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(f"table 6: {len(frame)} rows")
