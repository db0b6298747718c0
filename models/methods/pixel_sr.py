"""A network that magnifies ×4 in plane, then linear interpolation of pixels (section 2.7: SRGAN and WDSR)."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from models.fast import in_pieces
from models.method import Restorer


class Method(Restorer):
    """Known slices are super-resolved one by one; between them, pixels are mixed linearly."""

    def __init__(self, networks: Mapping[str, nn.Module] | None = None, **options: Any) -> None:
        """``networks``: exactly one, (B, 1, h, w) → (B, 1, 4h, 4w)."""
        super().__init__(networks, **options)
        if len(self.networks) != 1:
            raise ValueError(f"pixel_sr: needs exactly one network, not {', '.join(self.networks) or 'none'}")
        (self.network,) = self.networks.values()

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        pixels = slices[0, 0].numel() * self.factor**2
        made = in_pieces(self.network, slices, pixels=pixels).clamp(0, 1)
        if made.shape[-1] != slices.shape[-1] * self.factor:
            raise ValueError(f"pixel_sr: the network {', '.join(self.networks)} does not magnify by {self.factor}")
        return made
