"""Scores of one method and fold on the patients that the fold's networks never saw."""

from benchmark.contest.measure import contest
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    from models.perceptual import Perceptual

    params, method = snakemake.params, snakemake.params.method
    restoration = Restoration(
        method.get("class", snakemake.wildcards.method),
        snakemake.input.get("weights", []),
        options=params.sampling | method["options"],
        chunk=snakemake.config["compute"]["chunk"],
        seed=params.seed,
        dataset=params.dataset,
        **params.compute,
    )
    table = contest(
        restoration,
        snakemake.input.volumes,
        snakemake.input.removals,
        **params.contest,
        perceptual=Perceptual(snakemake.input.alex, net="alex"),
        second_opinion=Perceptual(snakemake.input.vgg, net="vgg"),
    )
    with written(snakemake.output[0]) as aside:
        table.to_csv(aside, index=False, float_format="%.6f", lineterminator="\n")
    say(table.groupby("setting")[["ssim", "psnr", "lpips", "seconds"]].mean().round(4).to_string())
