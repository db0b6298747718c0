"""Scores of one method and fold on the patients that the fold's networks never saw."""

from benchmark.contest.measure import contest
from benchmark.files import write_csv
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
    write_csv(snakemake.output[0], table)
    say(table.groupby("setting")[["ssim", "psnr", "lpips", "seconds"]].mean().round(4).to_string())
