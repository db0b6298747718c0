"""Scores of one solver at every number of steps, on one cohort."""

import pandas as pd

from benchmark.files import write_csv
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration
from benchmark.samplers.measure import sampler_scores

with job(snakemake) as say:
    from models.perceptual import Perceptual

    inputs, setting = snakemake.input, snakemake.wildcards
    perceptual, sheets = Perceptual(inputs.trunk, net="alex"), []
    for steps, params in snakemake.params.restorations.items():
        options = {"chunk": snakemake.config["compute"]["chunk"], "volumes": inputs.volumes}
        restoration = Restoration(weights=inputs.weights, **options, **params)
        sheet = sampler_scores(restoration, inputs.volumes, inputs.removals, perceptual, repeats=1)
        columns = {"cohort": setting.cohort, "sampler": setting.sampler, "steps": steps}
        columns |= {"eta": setting.eta.replace("none", ""), "noise": setting.noise}
        sheets.append(sheet.assign(**columns))
        say(f"{setting.sampler}, {steps} steps: {sheet['psnr'].mean():.2f} dB, {sheet['lpips'].mean():.4f}")
    write_csv(snakemake.output[0], pd.concat(sheets))
