"""Makes torchvision importable next to a torch that its compiled library was not built for."""

import importlib.util
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def declare_missing_operators() -> "torch.library.Library | None":
    """Declare torchvision's ``nms`` and ``qnms`` where its compiled library does not load.

    During its import, torchvision registers fake kernels for these two operators and fails if they are not declared,
    although this project never calls them. If the library loads (torch and torchvision match), or if torchvision is
    absent, this function does nothing. The library is found and loaded as torchvision does it, without importing
    torchvision.
    """
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        return None
    import torch

    finder = FileFinder(spec.submodule_search_locations[0], (ExtensionFileLoader, EXTENSION_SUFFIXES))
    compiled = finder.find_spec("_C")
    if compiled is not None and compiled.origin is not None:
        with suppress(OSError):  # built for another torch: the check below sees that the operators are missing
            torch.ops.load_library(compiled.origin)
    if hasattr(torch.ops.torchvision, "nms"):
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
