"""Draw the slices to remove from one test volume."""

import nibabel as nib

from benchmark.cohort.protocol import draw_removed, write_removal
from benchmark.jobs.job import job

with job(snakemake) as say:
    slices = nib.load(snakemake.input[0]).shape[2]
    removal = draw_removed(
        slices, snakemake.params.fraction, snakemake.params.seed, snakemake.params.dataset, snakemake.wildcards.subject
    )
    say(f"removed {len(removal.removed)} of {slices} slices: {removal.removed.tolist()}")
    write_removal(snakemake.output[0], removal)
