"""Settings of the config that may be ``auto``."""

from typing import Literal


def decided(asked: bool | Literal["auto"], automatic: bool) -> bool:
    """The setting, or ``automatic`` if it is ``auto``."""
    return automatic if asked == "auto" else asked


def device(name: str) -> str:
    """The config's ``compute.device``: ``auto`` is a GPU if there is one."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return name
