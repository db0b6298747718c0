"""Download public weights from which a training starts."""

from pathlib import Path

from benchmark.acquire.public_weights import fetch_weights
from benchmark.jobs.job import job

with job(snakemake) as say:
    say(fetch_weights(snakemake.wildcards.checkpoint, Path(snakemake.output[0]), **snakemake.params.source))
