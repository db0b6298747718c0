"""Download public weights from which a training starts."""

from pathlib import Path

from benchmark.acquire.public_weights import fetch_weights
from benchmark.jobs.job import job

with job(snakemake) as say:
    name = snakemake.wildcards.checkpoint
    source = snakemake.config["public_weights"][name]  # parameters are recorded, and addresses may hold logins
    say(fetch_weights(name, Path(snakemake.output[0]), url=source["url"], sha256=source["sha256"]))
