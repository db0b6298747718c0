"""The one abstraction: ``restore(slices, known, at) -> volume``.

Every method of the article, and every control, is three choices: what a known slice is *represented* by (pixels or
latents), with which *weights* known slices are mixed at a wanted position, and how the mixture is *rendered* to
pixels. Adding a method is one file in ``models/methods`` with a class ``Method``, and one line in the config.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from models.interpolation import linear


class Restorer:
    """Base of all methods.

    ``sees`` says what the benchmark hands to ``restore`` as ``slices``: low-resolution kept slices (``low``, all
    honest methods), or, for oracles, the truth at the kept positions (``kept``) or at all of them (``all``).
    """

    sees: Literal["low", "kept", "all"] = "low"
    # The weights keep a latent or a pixel image of every slice in a chunk: this bounds the memory.
    chunk = 16

    def __init__(
        self,
        networks: Mapping[str, nn.Module] | None = None,
        *,
        seed: int = 0,
        chunk: int | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        """``networks``: the trained networks by name, in ``eval`` mode; ``seed``: for every draw of the method."""
        self.networks = dict(networks or {})
        self.seed = seed
        self.chunk = chunk or type(self).chunk
        self.device = torch.device(device)

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        """Known slices (B, 1, h, w) in [0, 1] → what is interpolated (B, C, …).

        ``index`` (B,): which of the known slices these are; a stochastic method seeds its noise by it, so that
        the result does not depend on the chunks.
        """
        raise NotImplementedError

    def weights(self, known: np.ndarray, at: np.ndarray) -> np.ndarray:
        """Mixing weights (S', S), float64: row j mixes the known slices into position ``at[j]``. Default: linear."""
        return linear(known, at)

    def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
        """Mixtures (B, C, …) → pixels (B, 1, 4h, 4w). ``interpolated`` (B,) bool: False where the slice is a known one."""
        return mixed

    def stream(self, slices: np.ndarray, known: Sequence[float], at: Sequence[float]) -> Iterator[np.ndarray]:
        """As ``restore``, in blocks of at most ``chunk`` slices, in the order of ``at``: memory does not grow with S'."""
        slices, known, at = check(slices, known, at)
        weights = self.weights(known, at)
        held: dict[int, Tensor] = {}
        with torch.inference_mode():
            for start in range(0, len(at), self.chunk):
                rows = weights[start : start + self.chunk]
                needed = np.flatnonzero(np.abs(rows).max(axis=0) > 1e-6)
                held = {i: held[i] for i in needed if i in held}
                missing = [i for i in needed if i not in held]
                for first in range(0, len(missing), self.chunk):
                    index = missing[first : first + self.chunk]
                    batch = torch.from_numpy(slices[index]).unsqueeze(1).to(self.device)
                    held.update(zip(index, self.represent(batch, torch.tensor(index)), strict=True))
                stack = torch.stack([held[i] for i in needed])
                mixing = torch.from_numpy(rows[:, needed]).to(stack)
                mixed = torch.tensordot(mixing, stack, dims=1)
                # a position that is known comes out exactly as its slice was represented
                exact = torch.from_numpy((rows == 1).any(axis=1))
                pixels = self.render(mixed, ~exact.to(self.device))
                yield pixels.float().squeeze(1).clamp(0, 1).cpu().numpy()

    def restore(self, slices: np.ndarray, known: Sequence[float], at: Sequence[float]) -> np.ndarray:
        """Finer volume, float32 in [0, 1], (S', 4h, 4w).

        ``slices`` (S, h, w): float32 in [0, 1], low resolution; ``known`` (S,): their positions along the slice
        axis, increasing; ``at`` (S',): the positions wanted, any real numbers within [known[0], known[-1]]. A
        known position is super-resolved; one between two known neighbours is interpolated (article, eq. 6).
        Raises ``ValueError`` where shapes, ranges or positions break these rules.
        """
        return np.concatenate(list(self.stream(slices, known, at)))


def check(slices: np.ndarray, known: Sequence[float], at: Sequence[float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arguments of ``restore`` as arrays, or a ``ValueError`` that names the broken rule."""
    slices = np.ascontiguousarray(slices, dtype=np.float32)
    known, at = np.asarray(known, dtype=np.float64), np.asarray(at, dtype=np.float64)
    if slices.ndim != 3 or len(slices) < 2:
        raise ValueError(f"slices must be (S, h, w) with S ≥ 2, not {slices.shape}")
    if known.shape != (len(slices),) or np.any(np.diff(known) <= 0):
        raise ValueError("known must hold one increasing position for each slice")
    if at.ndim != 1 or len(at) == 0 or at.min() < known[0] or at.max() > known[-1]:
        raise ValueError(f"at must hold positions within [{known[0]:g}, {known[-1]:g}]: nothing is extrapolated")
    if not np.isfinite(slices).all() or slices.min() < 0 or slices.max() > 1:
        raise ValueError("slices must be finite and in [0, 1]")
    return slices, known, at


def method(name: str, networks: Mapping[str, nn.Module] | None = None, **options: Any) -> Restorer:
    """The method in ``models/methods/{name}.py``, ready to restore. Unknown names and options are ``ValueError``."""
    try:
        module = importlib.import_module(f"models.methods.{name}")
    except ModuleNotFoundError as error:
        raise ValueError(f"no method file models/methods/{name}.py") from error
    try:
        return module.Method(networks, **options)
    except TypeError as error:
        raise ValueError(f"method {name}: {error}") from error
