"""Estimates of the whole study: GPU hours by network, disk space by stage."""

from pathlib import Path

from benchmark.cluster.choices import choices_frame, choices_table
from benchmark.cluster.study_cost import disk_frame, disk_table, hours_frame, hours_table
from benchmark.jobs.job import job
from benchmark.print.typeset import markdown, write_table

with job(snakemake) as say:
    config, folder = snakemake.params.config, Path(snakemake.output[0]).parent
    hours = hours_frame(config, snakemake.params.gpu_speed)
    disk = disk_frame(config)
    choices = choices_frame(snakemake.params.as_written, snakemake.params.gpu_speed)
    for name, frame, table in (
        ("study_hours", hours, hours_table(hours, config)),
        ("study_disk", disk, disk_table(disk)),
        ("study_choices", choices, choices_table(choices)),
    ):
        write_table(folder / name, frame, table)
        say(markdown(table))
