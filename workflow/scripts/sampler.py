"""Scores and sampling time of one setting of the sampler on one cohort."""

from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration
from benchmark.samplers.measure import sampler_scores

with job(snakemake) as say:
    from models.perceptual import Perceptual

    of, params, method = snakemake.wildcards, snakemake.params, snakemake.params.method
    setting = {"sampler": of.sampler, "steps": int(of.steps), "eta": 0.0 if of.eta == "none" else float(of.eta)}
    restoration = Restoration(
        method.get("class", method["name"]),
        snakemake.input.weights,
        options=params.sampling | method["options"] | setting,
        chunk=snakemake.config["compute"]["chunk"],
        seed=params.seed,
        dataset=params.dataset,
        **params.compute,
    )
    perceptual = Perceptual(snakemake.input.trunk, net="alex")
    table = sampler_scores(restoration, snakemake.input.volumes, snakemake.input.removals, perceptual, params.repeats)
    for place, key in enumerate(("cohort", "sampler", "steps", "eta")):
        table.insert(place, key, of[key] if of[key] != "none" else "")
    with written(snakemake.output[0]) as aside:
        table.to_csv(aside, index=False, float_format="%.6f", lineterminator="\n")
    say(table.drop(columns="hardware").to_string(index=False))
