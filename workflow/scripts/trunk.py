"""Fetch a feature extractor for LPIPS, checked by the hash of its tensors."""

from pathlib import Path

from benchmark.job import job
from benchmark.trunks import fetch_trunk

with job(snakemake) as say:
    fetch_trunk(snakemake.wildcards.net, Path(snakemake.output[0]))
    say(f"LPIPS trunk {snakemake.wildcards.net}: {snakemake.output[0]}")
