"""One middle slice of each cohort."""

from pathlib import Path

from benchmark.figures.overview import overview
from benchmark.jobs.job import job
from benchmark.print.style import save
from benchmark.print.typeset import write_caption

with job(snakemake) as say:
    labels = snakemake.params.planes
    details = dict(zip(labels, snakemake.input.details, strict=True))
    volumes = dict(zip(labels, snakemake.params.volumes, strict=True))
    figure, caption = overview(details, volumes, labels)
    save(figure, snakemake.output.png, snakemake.output.pdf)
    write_caption(Path(snakemake.output.caption), caption)
    say(", ".join(labels))
