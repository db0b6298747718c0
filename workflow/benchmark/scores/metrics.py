"""Scores of each slice of a restored volume against the truth: SSIM, PSNR and LPIPS, full frame and in a region.

SSIM and PSNR are scikit-image's; LPIPS needs networks (``models.perceptual``) and is an argument, so that this module
does not import torch.
"""

from typing import Protocol

import numpy as np
import pandas as pd

from benchmark.errors import UserError
from benchmark.scores.region import LEAST_SHARE, Region

DEFINITION = (
    "SSIM (higher is better): Gaussian window of σ = 1.5 (11×11), population covariance, data range 1, mean of the "
    "SSIM map without a border of 5 pixels; in the region, mean of the same map over its pixels. "
    "PSNR in dB (higher is better): data range 1, −10·log10 of the mean squared error over the frame or the region. "
    "LPIPS (lower is better): AlexNet, version 0.1, grey repeated to three channels, intensities mapped from [0, 1] to "
    "[−1, 1]; in the region, mean of each layer's distances weighted by the part of the region under them. "
    "The full frame includes the background, which improves all three. A slice is scored if the region covers at "
    f"least {LEAST_SHARE:.0%} of the frame; the other slices show air, and are left out and counted."
)

METRICS = ("ssim", "psnr", "lpips")
HIGHER_IS_BETTER = {"ssim": True, "psnr": True, "lpips": False}
# Columns of a score sheet: full frame, then the region (brain or head: benchmark.scores.region).
COLUMNS = [*METRICS, *(f"{metric}_region" for metric in METRICS)]

# Half of the 11×11 window: skimage leaves this border out of its mean, because padding reaches into it.
_BORDER = 5


class Distance(Protocol):
    """The part of ``models.perceptual.Perceptual`` that ``score`` uses."""

    def distances(
        self, a: np.ndarray, b: np.ndarray, mask: np.ndarray, batch: int = ...
    ) -> tuple[np.ndarray, np.ndarray]:
        """LPIPS of slices (S, H, W) in [0, 1]: full frame (S,) and inside the mask (S,)."""


def score(
    prediction: np.ndarray, truth: np.ndarray, region: Region, perceptual: Distance, *, batch: int = 16
) -> pd.DataFrame:
    """One row per slice of ``prediction`` and ``truth``, both (S, H, W) in [0, 1]; LPIPS of ``batch`` slices at a time.

    ``region``: of these slices, same shape. Columns: ``slice`` (0 …), ``region`` (brain or head), ``share`` (of the
    frame that the region covers), ``signal`` (whether the share is enough for a score), then ``COLUMNS``: SSIM, PSNR in
    dB (infinite if prediction and truth are identical) and LPIPS, as defined in ``DEFINITION``. Without signal all
    scores are NaN: the caller leaves out these slices and counts them. No other score is NaN.

    Values are not clipped: a prediction outside [0, 1] is scored unchanged. Raises ``UserError`` if shapes differ or a
    volume holds NaN or infinity.
    """
    _check(prediction, truth)
    # Double precision: in float32 the local variances of SSIM lose the digits that its constants stabilise.
    prediction, truth = prediction.astype(np.float64), truth.astype(np.float64)
    mask, signal = region.mask, region.signal
    scores = {column: np.full(len(truth), np.nan) for column in COLUMNS}
    rows = np.flatnonzero(signal)
    for row in rows:
        ours, true, inside = prediction[row], truth[row], mask[row]
        scores["ssim"][row], scores["ssim_region"][row] = _ssim(ours, true, inside)
        scores["psnr"][row], scores["psnr_region"][row] = psnr(ours, true), psnr(ours[inside], true[inside])
    scores["lpips"][rows], scores["lpips_region"][rows] = perceptual.distances(
        prediction[rows], truth[rows], mask[rows], batch=batch
    )
    about = {"slice": np.arange(len(truth)), "region": region.kind, "share": region.share, "signal": signal}
    return pd.DataFrame(about | scores)


def psnr(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB for intensities of range 1; infinite for identical arrays; the arrays have the
    same shape."""
    from skimage.metrics import peak_signal_noise_ratio

    with np.errstate(divide="ignore"):
        return float(peak_signal_noise_ratio(truth, prediction, data_range=1))


def _ssim(prediction: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """SSIM of one slice (H, W), and the mean of its map over ``mask``."""
    from skimage.metrics import structural_similarity

    mean, ssim_map = structural_similarity(
        truth,
        prediction,
        data_range=1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return float(mean), float(ssim_map[mask].mean())


def _check(prediction: np.ndarray, truth: np.ndarray) -> None:
    if prediction.shape != truth.shape:
        raise UserError(
            f"the restored volume has shape {prediction.shape} and the truth {truth.shape}: their grids must be equal"
        )
    if truth.ndim != 3 or min(truth.shape[1:]) <= 2 * _BORDER:
        raise UserError(
            f"scores need volumes (slices, height, width) with slices of more than {2 * _BORDER}×{2 * _BORDER} pixels, "
            f"got {truth.shape}"
        )
    for name, volume in (("restored volume", prediction), ("truth", truth)):
        bad = np.flatnonzero(~np.isfinite(volume).all(axis=(1, 2)))
        if bad.size:
            raise UserError(f"the {name} holds NaN or infinity in {bad.size} slices, first in slice {bad[0]}")
