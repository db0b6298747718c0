"""The article's baseline: the same super-resolved slices, interpolated as pixels (section 2.5).

Eq. 12 as printed does not interpolate (see the control ``eq12``); the weights are those of eq. 6. The article does not
say whether EDSR also sharpens its baseline. Here it does if ``edsr`` is among the networks.
"""

from torch import Tensor

from models.methods.ours import Diffusion


class Method(Diffusion):
    """Known slices are sampled and decoded (and sharpened, if there is an EDSR); pixels are mixed."""

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return self.decode(self.latents(slices, index))
