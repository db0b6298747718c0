"""The detail of each slice of the test patients that may be pictured."""

from pathlib import Path

from benchmark.datasets import reader
from benchmark.figures.detail import detail_sheet, write_detail
from benchmark.files import subject_of
from benchmark.jobs.job import job

with job(snakemake) as say:
    cohort = dict(snakemake.params.cohort)
    name, options = cohort.pop("reader"), cohort.pop("options")
    dataset = reader(name, Path(snakemake.params.data) / name, **cohort, **options)
    subjects = [subject_of(path) for path in snakemake.input.volumes]
    shown = [subject for subject in subjects if dataset.shown(subject)]
    write_detail(snakemake.output[0], detail_sheet(snakemake.input.volumes, snakemake.input.removals, shown))
    say(f"{snakemake.wildcards.cohort}: {len(shown)} of {len(subjects)} test patients may be pictured")
