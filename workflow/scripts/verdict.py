"""The first page of the report."""

from pathlib import Path

import pandas as pd

from benchmark.cohort.sheet import read_sheet
from benchmark.files import read_csv
from benchmark.jobs.job import job
from benchmark.report.pages import Picture, write_verdict
from benchmark.report.verdict import parts

with job(snakemake) as say:
    sheets = {Path(path).stem: read_sheet(path) for path in snakemake.input.sheets}
    frame = pd.concat([read_csv(path) for path in snakemake.input.tables], ignore_index=True)
    frame = frame.drop_duplicates(["cohort", "method"])
    others = {Path(path).stem: read_csv(path) for path in snakemake.input.others}
    page = parts(frame, others, snakemake.params.config, snakemake.params.labels, sheets)
    pictures = [
        Picture(Path(path), name, Path(path).with_suffix(".rst").read_text(encoding="utf-8"))
        for path, name in zip(snakemake.input.pictures, snakemake.params.pictures, strict=True)
    ]
    write_verdict(snakemake.output.rst, snakemake.output.html, [page[0], *pictures, *page[1:]])
    say(str(page[0]))
