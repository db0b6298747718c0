"""Time and memory of n new slices in every gap, for a range of n."""

from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.jobs.restoration import Restoration
from benchmark.samplers.measure import efficiency

with job(snakemake) as say:
    restoration = Restoration(
        weights=snakemake.input.get("weights", []),
        chunk=snakemake.config["compute"]["chunk"],
        volumes=[snakemake.input.volumes[0]] * len(snakemake.params.plan["n"]) * snakemake.params.plan["repeats"],
        **snakemake.params.restoration,
    )
    plan = snakemake.params.plan
    table = efficiency(restoration, snakemake.input.volumes[0], plan["n"], plan["repeats"], plan.get("slices"))
    with written(snakemake.output[0]) as aside:
        table.to_csv(aside, index=False, float_format="%.6f", lineterminator="\n")
    say(table.drop(columns="hardware").to_string(index=False))
