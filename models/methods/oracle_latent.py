"""Oracle: ours with the latents of the true slices. What it loses, decoding and interpolating lose."""

from torch import Tensor

from models.method import Sees
from models.methods.ours import Method as Ours


class Method(Ours):
    """Sees the true kept slices; with ``sees: all`` nothing is interpolated, and what is lost the first stage loses."""

    sees: Sees = "kept"
    random = False

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        return self.networks["vq"].encode(slices)
