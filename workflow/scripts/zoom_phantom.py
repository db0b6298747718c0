"""A thick-sliced oblique scan made by code."""

import nibabel as nib
import numpy as np

from benchmark.datasets.phantom import phantom
from benchmark.files import written
from benchmark.jobs.job import job

with job(snakemake) as say:
    fine = phantom((96, 112, 96), "T1", snakemake.params.seed)
    thick = fine[:, :, :90].reshape(96, 112, 18, 5).mean(axis=3)
    turn = np.deg2rad(12)
    affine = np.diag([1.9, 1.7, 8.0, 1.0])
    affine[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]] @ affine[1:3, 1:3]
    affine[:3, 3] = [-90.3, -95.1, -70.7]
    image = nib.Nifti1Image(np.rint(thick * 1000).astype(np.int16), affine)
    with written(snakemake.output[0]) as aside:
        nib.save(image, aside)
    say(f"{thick.shape} voxels of 1.9 × 1.7 × 8 mm")
