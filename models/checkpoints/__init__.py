"""Weights from elsewhere, by one call: `load_init(path)`. One file for each layout."""

from pathlib import Path

from models.checkpoints import compvis, diffusers_folder
from models.checkpoints.parts import Init, Part

__all__ = ["Init", "Part", "load_init"]


def load_init(path: str | Path, head_channels: int = 32) -> Init:
    """The networks in `path`: a CompVis checkpoint file (of a latent diffusion or a first stage) or a
    diffusers folder.

    Sizes are read off the tensors or the folder's config.json. Every key is accounted for: one that is
    unknown or missing is a ValueError that names it. Weights averaged over training (EMA) are taken where
    the file has them. Pickles are read with `weights_only=True`; one that holds more than plain tensors is
    refused with a ValueError, and so is a network whose options this project's networks do not have.

    `head_channels`: channels of an attention head in the U-Net of a CompVis file, which its tensors do not
    tell.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist; init takes a CompVis checkpoint file or a diffusers folder")
    if path.is_dir():
        return diffusers_folder.load(path)
    return compvis.load(path, head_channels)
