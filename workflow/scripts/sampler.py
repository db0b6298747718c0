"""Scores and sampling time of one setting of the sampler on one cohort."""

from benchmark.files import write_csv
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration
from benchmark.samplers.measure import sampler_scores

with job(snakemake) as say:
    from models.perceptual import Perceptual

    restoration = Restoration(
        weights=snakemake.input.weights,
        chunk=snakemake.config["compute"]["chunk"],
        volumes=snakemake.input.volumes,
        **snakemake.params.restoration,
    )
    perceptual, repeats = Perceptual(snakemake.input.trunk, net="alex"), snakemake.params.repeats
    table = sampler_scores(restoration, snakemake.input.volumes, snakemake.input.removals, perceptual, repeats)
    for column, key in enumerate(("cohort", "sampler", "steps", "eta")):
        value = snakemake.wildcards[key]
        table.insert(column, key, value if value != "none" else "")
    write_csv(snakemake.output[0], table)
    say(table.drop(columns="hardware").to_string(index=False))
