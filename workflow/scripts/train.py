"""Train one network on one fold; resumes from its checkpoint if it was interrupted."""

from pathlib import Path

from benchmark.cluster.budget import limits
from benchmark.cluster.site import stop_after
from benchmark.jobs.job import job
from benchmark.jobs.training import train

with job(snakemake):
    train(
        snakemake.wildcards.network,
        snakemake.params.network,
        training=snakemake.input.train,
        validation=snakemake.input.validation,
        needs=snakemake.input.needs,
        trunk=next(iter(snakemake.input.trunk), None),
        weights=Path(snakemake.output.weights),
        seed=snakemake.params.seed,
        identity=dict(snakemake.wildcards),
        compute=snakemake.config["compute"] | snakemake.params.compute,
        init=snakemake.params.init,
        recipe=snakemake.config["recipe"],
        limit=limits(snakemake.config).get(snakemake.wildcards.network),
        stop_after=stop_after(snakemake.resources.get("runtime")),
    )
