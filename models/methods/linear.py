"""Control: bicubic in plane, linear between slices. A trained method must beat this."""

from torch import Tensor

from models.interpolation import bicubic
from models.method import Restorer


class Method(Restorer):
    """Bicubic in plane, linear through-plane interpolation of pixels."""

    any_factor = True

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return bicubic(slices, self.factor)
