"""Takes the place of LPIPS, whose network has to be downloaded, where a test concerns other scores."""

import numpy as np


class MeanAbsoluteDifference:
    """Mean absolute difference of images (N, H, W), of the full frame and inside the mask.

    ``compared``: number of pairs of images so far.
    """

    def __init__(self) -> None:
        self.compared = 0

    def distances(self, a: np.ndarray, b: np.ndarray, mask: np.ndarray, batch: int = 16) -> tuple[np.ndarray, ...]:
        """Distances (N,) of the full frame and inside ``mask``, as ``models.perceptual.Perceptual.distances``."""
        self.compared += len(a)
        difference = np.abs(a - b)
        inside = (difference * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))
        return difference.mean(axis=(1, 2)), inside
