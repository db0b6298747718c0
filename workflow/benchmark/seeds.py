"""One seed in the config, and an independent seed for every draw, derived from the name of the draw."""

import hashlib

import numpy as np


def derive(seed: int, *labels: object) -> int:
    """A 63-bit seed for the draw named by ``labels``, e.g. ``derive(7, "removal", "oasis", "sub-01")``.

    Labels are hashed (SHA-256), so adding a draw never changes another draw.
    """
    text = "\x1f".join([str(seed), *map(str, labels)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *labels: object) -> np.random.Generator:
    """A NumPy generator for the draw named by ``labels``."""
    return np.random.default_rng(derive(seed, *labels))
