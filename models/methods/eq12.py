"""Control: eq. 12 of the article exactly as printed, which does not interpolate."""

import numpy as np

from models.interpolation import printed_eq12
from models.methods.linear import Method as Linear


class Method(Linear):
    """Bicubic ×4 in plane, mixed with the printed weights j/n and (j − 1)/n."""

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        return printed_eq12(known, at)
