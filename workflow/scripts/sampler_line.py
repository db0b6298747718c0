"""Scores of one solver at every number of steps, on one cohort."""

import pandas as pd

from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration
from benchmark.samplers.measure import sampler_scores

with job(snakemake) as say:
    from models.perceptual import Perceptual

    of, given, params, method = snakemake.wildcards, snakemake.input, snakemake.params, snakemake.params.method
    line = {"sampler": of.sampler, "eta": 0.0 if of.eta == "none" else float(of.eta), "noise": of.noise}
    perceptual, sheets = Perceptual(given.trunk, net="alex"), []
    for steps in params.steps:
        restoration = Restoration(
            method.get("class", method["name"]),
            given.weights,
            options=params.sampling | method["options"] | line | {"steps": steps},
            chunk=snakemake.config["compute"]["chunk"],
            seed=params.seed,
            dataset=params.dataset,
            **params.compute,
        )
        sheet = sampler_scores(restoration, given.volumes, given.removals, perceptual, repeats=1)
        about = {"cohort": of.cohort, "sampler": of.sampler, "steps": steps}
        about |= {"eta": of.eta.replace("none", ""), "noise": of.noise}
        sheets.append(sheet.assign(**about))
        say(f"{of.sampler}, {steps} steps: {sheet['psnr'].mean():.2f} dB, {sheet['lpips'].mean():.4f}")
    with written(snakemake.output[0]) as aside:
        pd.concat(sheets).to_csv(aside, index=False, float_format="%.6f", lineterminator="\n")
