"""All figures with their captions on one page."""

from pathlib import Path

from benchmark.files import written
from benchmark.jobs.job import job
from benchmark.report.pages import gallery

with job(snakemake) as say:
    pictures = [Path(path) for path in snakemake.input]
    names = snakemake.params.names
    figures = {path.name: (names[path.stem], path.with_suffix(".rst").read_text(encoding="utf-8")) for path in pictures}
    with written(snakemake.output[0]) as aside:
        aside.write_text(gallery("Figures", figures), encoding="utf-8")
    say(f"{len(figures)} figures: {snakemake.output[0]}")
