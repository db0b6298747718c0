"""Score every slice of every restored volume of one method."""

from benchmark.jobs.job import job
from benchmark.jobs.scoring import score_method

with job(snakemake) as say:
    scores = score_method(
        snakemake.input.volumes,
        snakemake.input.removals,
        snakemake.input.restored,
        trunk=snakemake.input.trunk,
        target=snakemake.output[0],
    )
    say(scores[scores["removed"]].groupby("subject")[["ssim", "psnr", "lpips"]].mean().to_string())
