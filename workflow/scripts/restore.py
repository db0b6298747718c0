"""Restore a cohort's test volumes with one method."""

from pathlib import Path

from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    restoration = Restoration(
        weights=snakemake.input.get("weights", []),
        chunk=snakemake.config["compute"]["chunk"],
        volumes=snakemake.input.volumes,
        **snakemake.params.restoration,
    )
    for line in restoration.subjects(snakemake.input.volumes, snakemake.input.removals, Path(snakemake.output[0])):
        say(line)
