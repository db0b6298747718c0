"""Scan → truth volume, and the sidecar that describes how to undo the steps."""

from benchmark.cohort.preprocess import preprocess, write_sidecar
from benchmark.cohort.sheet import check_scan, read_sheet
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
    sheet = snakemake.input.sheet
    check_scan(sheet, read_sheet(sheet), snakemake.wildcards.subject, sidecar.sha256)
    say(f"{sidecar.plane} slices {volume.shape}, scale {sidecar.scale}, {sidecar.clipped} voxels clipped")
    write_sidecar(snakemake.output.sidecar, sidecar)
    write(snakemake.output.volume, volume, affine)
