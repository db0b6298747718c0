"""Zoom one scan of the sheet."""

from pathlib import Path

from benchmark.jobs.job import job
from zoom.process import set_up_memory
from zoom.request import request
from zoom.run import zoom

with job(snakemake) as say:
    set_up_memory()
    row = snakemake.params.row
    output = snakemake.output.image if row["named"] else snakemake.params.folder
    full_request = request(snakemake.config, snakemake.input.scan, Path(output), **row["requested"], overwrite=True)
    zoom(full_request, snakemake.config, say)
