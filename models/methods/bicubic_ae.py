"""Bicubic ×4 in plane, then an autoencoder whose latents are interpolated (section 2.7; Sander et al. 2022)."""

from torch import Tensor

from models.interpolation import bicubic
from models.method import Restorer


class Method(Restorer):
    """A known slice is decoded from its own latents."""

    made_of = ("autoencoder",)

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return self.networks["autoencoder"].encode(bicubic(slices))

    def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
        return self.networks["autoencoder"].decode(mixed)
