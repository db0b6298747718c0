"""Restore a cohort's test volumes with one method."""

from pathlib import Path

from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    method, params = snakemake.params.method, snakemake.params
    restoration = Restoration(
        method.get("class", snakemake.wildcards.method),
        snakemake.input.get("weights", []),
        options=params.sampling | method["options"],
        chunk=snakemake.config["compute"]["chunk"],
        seed=params.seed,
        dataset=params.dataset,
        **params.compute,
    )
    for line in restoration.subjects(snakemake.input.volumes, snakemake.input.removals, Path(snakemake.output[0])):
        say(line)
