"""Whole volumes of a test patient, next to each other in the browser."""

from benchmark.figures.volumes_page import page
from benchmark.files import written
from benchmark.jobs.job import job

with job(snakemake) as say:
    files = {key: list(snakemake.input.get(key)) for key in ("volumes", "restored", "scores")}
    about = dict(snakemake.params.about)
    text = page(snakemake.input.detail, files, patient_number=about.pop("patient"), **about)
    with written(snakemake.output[0]) as aside:
        aside.write_text(text, encoding="utf-8")
    say(snakemake.output[0])
