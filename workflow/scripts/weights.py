"""Train one network on several cohorts together, in half precision on disk; resumes from its checkpoint."""

from pathlib import Path

from benchmark.cluster.site import stop_after
from benchmark.jobs.job import job
from benchmark.jobs.training import train

with job(snakemake):
    minutes = snakemake.params.minutes
    train(
        snakemake.wildcards.network,
        snakemake.params.network,
        training=snakemake.input.train,
        validation=[],
        needs=[],
        trunk=next(iter(snakemake.input.trunk), None),
        weights=Path(snakemake.output.weights),
        seed=snakemake.params.seed,
        identity={"cohort": snakemake.params.cohorts, "fold": "all"},
        compute=snakemake.config["compute"] | snakemake.params.compute,
        init=snakemake.params.init,
        recipe=snakemake.config["recipe"],
        limit=60 * minutes if minutes else None,
        stop_after=stop_after(snakemake.resources.get("runtime")),
        shares=snakemake.params.shares,
        half=True,
    )
