"""Each network in plane, next to its starting point."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.scores.inplane import compare_networks, networks_table

with job(snakemake) as say:
    weights = {Path(path).stem: path for path in snakemake.input.weights}
    options = snakemake.params.options | {"chunk": snakemake.config["compute"]["chunk"]}  # changes no result
    frame = compare_networks(weights, snakemake.input.volumes, options)
    table = networks_table(frame, snakemake.params.cohort, snakemake.params.labels)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(frame.to_string(index=False))
