"""Time and memory of n new slices in every gap, for a range of n."""

from benchmark.files import write_csv
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
    write_csv(snakemake.output[0], table)
    say(table.drop(columns="hardware").to_string(index=False))
