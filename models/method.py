"""The one abstraction: ``restore(slices, known, at) -> volume``.

Every method of the article, and every control, consists of three choices: how a known slice is *represented* (pixels or
latents), with which *weights* known slices are mixed at a wanted position, and how the mixture is *rendered* to pixels.
Adding a method is one file in ``models/methods`` with a class ``Method``, and one line in the config.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from models.compiling import compile_costly
from models.fast import fetched, filled, moved
from models.files import imported
from models.half import exact_products, halved
from models.interpolation import FACTOR
from models.memory import chunk_that_fits
from models.streaming import CPU_CHUNK, Slices, Streaming, check, read
from models.thickness import Geometry

Sees = Literal["low", "kept", "all", "all_low"]


class Restorer(Streaming):
    """Base of all methods.

    ``sees``: what the benchmark passes to ``restore`` as ``slices``: low-resolution known slices (``low``), or, for
    oracles, the truth at the known positions (``kept``) or at all positions (``all``), or all slices at low resolution
    (``all_low``).
    """

    sees: Sees = "low"
    # The classes of the networks that it needs (files in models/networks).
    made_of: tuple[str, ...] = ()
    # Whether the method magnifies by any factor in plane, or only by the factor of its networks.
    any_factor: bool = False
    # Whether its networks restore slices of any size as well as slices of the training size.
    any_size: bool = False
    # Whether its networks see inputs of one size, so that they can be compiled.
    one_size: bool = True
    # Whether its input slices were filtered before they were made coarse (`models.interpolation.degrade`).
    antialias: bool = True
    # The widest slice spacing, in in-plane voxels, if its networks learnt many spacings, thicknesses and planes.
    widest: float | None = None

    def __init__(
        self,
        networks: Mapping[str, nn.Module] | None = None,
        *,
        seed: int = 0,
        chunk: int | None = None,
        device: str | torch.device = "cpu",
        factor: int = FACTOR,
        half: bool = False,
        compiled: bool = False,
        sees: Sees | None = None,
        geometry: Geometry | None = None,
    ) -> None:
        """``networks``: the trained networks by name, in ``eval`` mode; ``seed``: for every draw of the method.

        ``chunk``: slices per chunk, which limits the memory and changes nothing else; None: as many as fit
        (``models.memory``). ``factor``: in-plane magnification, other than 4 only for methods with ``any_factor``.
        ``half``: networks are evaluated with float16 weights; solver and mixing stay in float32. ``compiled``: networks
        are compiled for chunks of one size, which takes a minute and saves time for long work on a GPU; a method with
        ``one_size`` False ignores this. ``sees``: to make an oracle of a method; ``geometry``: thickness of the
        slices, for methods that use it (None: thin slices at their positions).
        """
        if factor != FACTOR and not self.any_factor:
            raise ValueError(f"the in-plane factor must be {FACTOR}, not {factor}: the class does not set any_factor")
        self.networks: dict[str, Any] = dict(networks or {})
        if not self.networks.keys() >= set(self.made_of):
            given = ", ".join(self.networks) or "none"
            raise ValueError(f"it is made of the networks {', '.join(self.made_of)}; given: {given}")
        self.seed = seed
        self.device = torch.device(device)
        self.factor = factor
        self.chunk = chunk or (0 if self.on_gpu and self.networks else CPU_CHUNK)  # 0: to be determined
        self.half = half
        self.compiled = compiled and self.one_size
        if half:
            self.networks = {name: halved(network) for name, network in self.networks.items()}
        if self.compiled:
            self.networks = {name: compile_costly(network) for name, network in self.networks.items()}
        self.sees = sees or type(self).sees
        self.geometry = geometry or Geometry()

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def evaluating(self) -> AbstractContextManager:
        return torch.inference_mode()

    def finish(self) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()

    def numbers(self, count: int) -> Tensor:
        return torch.arange(count)

    def trial(self, count: int, side: tuple[int, int]) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        return torch.rand(count, 1, *side, generator=generator).to(self.device)

    def represent(self, slices: Tensor, index: Tensor) -> Tensor:
        """Known slices (B, 1, h, w) in [0, 1] → the representation that is interpolated (B, C, …).

        ``index`` (B,): the numbers of these known slices; a stochastic method seeds its noise by these numbers, so that
        the result does not depend on the chunks.
        """
        raise NotImplementedError

    def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
        """Mixtures (B, C, …) → pixels (B, 1, 4h, 4w). ``interpolated`` (B,) bool: False for known slices."""
        return mixed

    def stream(self, slices: Slices, known: ArrayLike, at: ArrayLike) -> Iterator[np.ndarray]:
        """As ``restore``, in blocks of at most ``chunk`` slices, in the order of ``at``.

        Memory does not grow with S', nor with S if ``slices`` reads slices when they are needed.
        """
        slices, known, at = check(slices, known, at)
        self.chunk = self.chunk or chunk_that_fits(self, slices.shape)
        for block in fetched(self.blocks(slices, known, at)):
            if self.half and not np.isfinite(block).all():
                raise FloatingPointError("a network leaves the range of half precision: set compute.half to false")
            yield block

    def represented(self, slices: Slices, missing: Sequence[int]) -> dict[int, Tensor]:
        """Representations of known slices by number, ``chunk`` slices at a time."""
        by_number: dict[int, Tensor] = {}
        for first in range(0, len(missing), self.chunk):
            index = missing[first : first + self.chunk]
            whole = self.whole(index)
            batch = moved(torch.from_numpy(read(slices, whole)).unsqueeze(1), self.device)
            represented = self.represent(batch, torch.tensor(whole))
            if self.compiled:  # a copy, because the next call of a compiled network overwrites its last result
                represented = represented.clone()
            by_number.update(zip(index, represented[: len(index)], strict=True))
        return by_number

    def whole(self, index: Sequence[int]) -> list[int]:
        """The slices of a chunk. Compiled networks accept chunks of one size, so the last chunk is filled up."""
        return filled(index, self.chunk) if self.compiled else list(index)

    def block(
        self, held: Mapping[int, Tensor], rows: np.ndarray, needed: Sequence[int], known: np.ndarray, at: np.ndarray
    ) -> Tensor:
        """One block of ``stream``, (S', 4h, 4w) on the device: mixtures ``rows`` (S', S) of the slices ``needed`` (S).

        ``at`` (S',): their positions. A method whose network draws each slice without mixing overrides ``block`` and
        ``looks_at``.
        """
        stack = torch.stack([held[i] for i in needed])
        count = len(rows)
        rows = rows[self.whole(range(count))]
        mixing = moved(torch.from_numpy(rows).to(stack.dtype), self.device)
        with exact_products():
            mixed = torch.tensordot(mixing, stack, dims=1)
        # At a known position the result is exactly the representation of that slice.
        between = moved(torch.from_numpy(~(rows == 1).any(axis=1)), self.device)
        return self.render(mixed, between)[:count].squeeze(1).clamp(0, 1)

    def trial_run(self, count: int, side: tuple[int, int]) -> None:
        """Evaluates ``count`` slices of ``side`` (h, w) once, to measure the memory of a chunk."""
        slices = torch.zeros(count, 1, *side, device=self.device)
        represented = self.represent(slices, torch.arange(count))
        self.render(represented, torch.ones(count, dtype=torch.bool, device=self.device))


def method(name: str, networks: Mapping[str, nn.Module] | None = None, **options: Any) -> Restorer:
    """The method in ``models/methods/{name}.py``, ready to restore. Unknown names and options are ``ValueError``."""
    module = imported("methods", name)
    try:
        return module.Method(networks, **options)
    except TypeError as error:
        raise ValueError(f"method {name}: {error}") from error
