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
    wanted = request(snakemake.config, snakemake.input.scan, Path(output), **row["given"], overwrite=True)
    zoom(wanted, snakemake.config, say)
