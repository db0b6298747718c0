"""Scan → truth volume, and the sidecar that describes how to undo the steps."""

from benchmark.cohort.preprocess import preprocess, write_sidecar
from benchmark.datasets import orientation
from benchmark.jobs.job import job
from benchmark.volume import write

with job(snakemake) as say:
    cohort = snakemake.params.cohort
    volume, affine, sidecar = preprocess(
        snakemake.input.scan,
        axis=cohort["axis"],
        slices=cohort.get("slices"),
        orientation=orientation(cohort["reader"]),
        **snakemake.params.preprocess,
    )
    say(f"{sidecar.plane} slices {volume.shape}, scale {sidecar.scale}, {sidecar.clipped} voxels clipped")
    write_sidecar(snakemake.output.sidecar, sidecar)
    write(snakemake.output.volume, volume, affine)
