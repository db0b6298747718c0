"""Scores of one method and fold on the patients that the fold's networks never saw."""

from benchmark.contest.measure import contest
from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration

with job(snakemake) as say:
    from models.perceptual import Perceptual

    restoration = Restoration(
        weights=snakemake.input.get("weights", []),
        chunk=snakemake.config["compute"]["chunk"],
        volumes=snakemake.input.volumes,
        **snakemake.params.restoration,
    )
    table = contest(
        restoration,
        snakemake.input.volumes,
        snakemake.input.removals,
        **snakemake.params.contest,
        perceptual=Perceptual(snakemake.input.alex, net="alex"),
        second_opinion=Perceptual(snakemake.input.vgg, net="vgg"),
    )
    with written(snakemake.output[0]) as aside:
        table.to_csv(aside, index=False, float_format="%.6f", lineterminator="\n")
    say(table.groupby("setting")[["ssim", "psnr", "lpips", "seconds"]].mean().round(4).to_string())
