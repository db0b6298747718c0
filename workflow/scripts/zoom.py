"""Zoom one scan of the sheet."""

from pathlib import Path

from benchmark.jobs.job import job
from zoom.request import request
from zoom.run import zoom

with job(snakemake) as say:
    row = snakemake.params.row
    output = snakemake.output.image if row["named"] else snakemake.params.folder
    wish = request(snakemake.config, snakemake.input.scan, Path(output), **row["given"], overwrite=True)
    zoom(wish, snakemake.config, say)
