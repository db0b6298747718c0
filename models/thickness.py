"""What a slice of a given thickness shows, and the spline that is consistent with such slices.

A slice at position p shows the mean of the volume around p, weighted by a profile of the slice's thickness: ``box``
(rectangular), ``gaussian`` (thickness = full width at half maximum) or ``point`` (the volume at p itself). A cubic
spline through thick slices is too smooth; the averages of the *consistent* spline over each slice's profile are equal
to the slices.

Distances are in units of the slices' spacing.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_interp_spline

PROFILES = ("point", "gaussian", "box")
FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian, in standard deviations."""

REACH = 1.25
"""Thicknesses at which a Gaussian profile is cut: three standard deviations."""

SAMPLES = 33


@dataclass(frozen=True)
class Geometry:
    """Profile, thickness and spacing of the slices, for methods that use them.

    ``profile``: one of ``PROFILES``; ``thickness``: of a slice, in slice spacings (0 for ``point``); ``in_plane``: the
    slice spacing in in-plane voxels, mean of rows and columns.
    """

    profile: str = "point"
    thickness: float = 0.0
    in_plane: float = 1.0

    def __post_init__(self) -> None:
        if self.profile not in PROFILES:
            raise ValueError(f"profile '{self.profile}' is not known: choose one of {', '.join(PROFILES)}")
        if self.thickness < 0 or self.in_plane <= 0:
            raise ValueError(
                f"thickness {self.thickness:g} must not be negative, in-plane spacing {self.in_plane:g} must be above 0"
            )


def profile(kind: str, thickness: float) -> tuple[np.ndarray, np.ndarray]:
    """Offsets (Q,) from a slice's position and the weights (Q,) at these offsets, which sum to 1.

    A Gaussian is cut at ``REACH``. ``ValueError`` for an unknown ``kind``.
    """
    if kind not in PROFILES:
        raise ValueError(f"profile '{kind}' is not known: choose one of {', '.join(PROFILES)}")
    if kind == "point" or thickness <= 0:
        return np.zeros(1), np.ones(1)
    if kind == "box":
        offsets = ((np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5) * thickness
        return offsets, np.full(SAMPLES, 1 / SAMPLES)
    offsets = np.linspace(-REACH, REACH, SAMPLES) * thickness
    weights = np.exp(-0.5 * (offsets * FWHM / thickness) ** 2)
    return offsets, weights / weights.sum()


def consistent_spline(known: np.ndarray, at: np.ndarray, kind: str, thickness: float) -> np.ndarray:
    """Weights (S', S) of the slices at ``known`` (S,), increasing, for the consistent spline at ``at`` (S',).

    The spline is cubic, or lower with fewer than four slices, and constant beyond the first and last slice.
    """
    spline = make_interp_spline(known, np.eye(len(known)), k=min(3, len(known) - 1))
    offsets, weights = profile(kind, thickness)
    seen = np.clip(known[:, None] + offsets, known[0], known[-1])
    averages = np.einsum("q,sqk->sk", weights, spline(seen))
    return spline(np.clip(at, known[0], known[-1])) @ np.linalg.inv(averages)
