"""Loads weights that other projects trained: `load_init(path)`. One file for each layout."""

from pathlib import Path

from models.checkpoints import compvis, diffusers_folder
from models.checkpoints.parts import Init, Part

__all__ = ["Init", "Part", "load_init"]


def load_init(path: str | Path, head_channels: int = 32) -> Init:
    """The networks in `path`: a CompVis checkpoint file (of a latent diffusion or a first stage) or a
    diffusers folder.

    Sizes come from the shapes of the tensors or from the folder's config.json. Every key is checked: an unknown or
    missing key raises a ValueError that names the key. If the file has weights averaged over training (EMA), these are
    used. Pickles are read with `weights_only=True`. A pickle that holds more than plain tensors raises a ValueError,
    and so does a network with options that this project's networks do not have.

    `head_channels`: channels of an attention head in the U-Net of a CompVis file; the shapes of the tensors do not show
    this number.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"{path}: does not exist; init takes a CompVis checkpoint file or a diffusers folder")
    try:
        return diffusers_folder.load(path) if path.is_dir() else compvis.load(path, head_channels)
    except Exception as error:  # also what other libraries raise for sizes and tensors that cannot be
        said = (str(error) or type(error).__name__).splitlines()[0]
        if isinstance(error, ValueError) and str(path) in said:
            raise
        raise ValueError(f"{path}: cannot be read as a checkpoint: {said}") from error
