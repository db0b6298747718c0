"""Write the datasets in their true layouts, at toy size."""

from pathlib import Path

from benchmark.datasets.layouts import write_all
from benchmark.jobs.job import job

with job(snakemake) as say:
    blocks = write_all(Path(snakemake.params.folder), seed=snakemake.params.seed % 2**32)
    say(", ".join(blocks))
