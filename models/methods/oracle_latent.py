"""Oracle: ours with the latents of the true slices. Any remaining error is due to decoding and interpolation."""

from torch import Tensor

from models.method import Sees
from models.methods.ours import Method as Ours


class Method(Ours):
    """Sees the true kept slices; with ``sees: all`` it interpolates nothing: any error is due to the first stage."""

    sees: Sees = "kept"
    random = False
    made_of = ("vq",)

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return self.networks["vq"].encode(slices)
