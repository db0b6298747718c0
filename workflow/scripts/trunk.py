"""Download a feature extractor for LPIPS, and check it by the hash of its tensors."""

from pathlib import Path

from benchmark.acquire.trunks import fetch_trunk
from benchmark.jobs.job import job

with job(snakemake) as say:
    fetch_trunk(snakemake.wildcards.net, Path(snakemake.output[0]))
    say(f"LPIPS trunk {snakemake.wildcards.net}: {snakemake.output[0]}")
