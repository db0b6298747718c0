"""Networks that stay in memory from one scan of a batch to the next."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoom.choice import Choice

if TYPE_CHECKING:
    from torch import nn


class Loaded:
    """``Choice.load`` that reads weights once for scans that follow each other with the same weights and device."""

    def __init__(self) -> None:
        self._of: object = None
        self._networks: Mapping[str, nn.Module] = {}

    def __call__(self, choice: Choice, device: str) -> Mapping[str, "nn.Module"]:
        """The networks of ``choice`` on ``device``; networks of another choice are released first."""
        of = ([(file.path, file.sha256, file.stamp) for file in choice.weights], choice.networks, device)
        if of != self._of:
            self._of, self._networks = None, {}
            self._networks = choice.load(device)
            self._of = of
        return self._networks
