"""Makes a scan with fewer and thicker slices from a scan with thin slices: its truth is known."""

import nibabel as nib
import numpy as np

from models.thickness import FWHM

#: The cut-off of a Gaussian profile, in thicknesses from its centre.
REACH = 2.5


def centres(slices: int, n: int, profile: str) -> np.ndarray:
    """Positions of the scan's slices, in slices of the truth: n + 1 apart.

    Thin slices are slices of the truth, from the first. Thick slices share the field of view of the truth's ``slices``:
    the first thick slice is centred on the first n + 1 slices of the truth.
    """
    apart = n + 1
    if profile == "point":
        return np.arange((slices - 1) // apart + 1) * float(apart)
    return np.arange(slices // apart) * apart + (apart - 1) / 2


def simulated_scan(truth: np.ndarray, affine: np.ndarray, n: int, profile: str) -> nib.Nifti1Image:
    """The scan with one slice for every n + 1 slices of the ``truth`` (H, W, S), without gaps.

    ``profile``: ``point``: every (n + 1)-th slice, unchanged; ``box``: the mean of n + 1 slices; ``gaussian``: the mean
    weighted by a Gaussian of n + 1 slices (full width at half maximum). Beyond its ends, the truth repeats its first or
    last slice.
    """
    places, apart = centres(truth.shape[2], n, profile), n + 1
    half = {"point": 0.0, "box": (apart - 1) / 2, "gaussian": REACH * apart - 0.5}[profile]
    offsets = np.arange(-half, half + 1e-6)
    shares = np.exp(-0.5 * (offsets * FWHM / apart) ** 2) if profile == "gaussian" else np.ones(len(offsets))
    made = np.zeros((*truth.shape[:2], len(places)), np.float32)
    for offset, share in zip(offsets, shares / shares.sum(), strict=True):
        index = np.rint(places + offset).astype(int).clip(0, truth.shape[2] - 1)
        made += np.float32(share) * truth[..., index].astype(np.float32)
    step = np.diag([1.0, 1.0, apart, 1.0])
    step[2, 3] = places[0]
    return nib.Nifti1Image(made, affine @ step)
