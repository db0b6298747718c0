"""Brain-like phantoms made by code: one anatomy for each seed, in the contrasts T1, T2 and FLAIR.

The values are not measured. The purpose is a volume on which the benchmark's metrics behave as on a brain: folded
cortex, white matter, ventricles, deep grey matter, a cerebellum low at the back (to recognise up and front), a lesion
on the left (to recognise a flip), partial volume, a bias field, Rician noise, zero outside.
"""

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmark.seeds import generator

#: Signal of CSF, grey matter, white matter, deep grey matter and lesion, relative to the brightest tissue.
CONTRAST = {
    "T1": (0.16, 0.55, 0.88, 0.68, 0.36),
    "T2": (1.00, 0.56, 0.36, 0.44, 0.82),
    "FLAIR": (0.10, 0.58, 0.44, 0.52, 1.00),
}
FOLD = 0.11  # smoothness of the field whose zero surfaces are the sulci; all lengths in half fields of view
CORTEX = 0.075  # thickness of the grey matter

Grid = tuple[np.ndarray, np.ndarray, np.ndarray]
Triple = tuple[float, float, float]


def phantom(shape: tuple[int, int, int], modality: str, seed: int) -> np.ndarray:
    """A float32 volume of ``shape``, its axes growing to the right, front and top; values in [0, ~1.2].

    ``seed`` fixes the anatomy; noise and bias field also depend on ``modality``. The head fills 86 % of an axis.
    """
    draw = generator(seed, "anatomy")
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) / 0.86 for n in shape), indexing="ij")
    grid = x, y, z
    edge = 2.4 / min(shape)  # width of a border: about a voxel
    csf, grey, white, deep, lesion = CONTRAST[modality]

    radius = np.sqrt((x / draw.uniform(0.93, 1)) ** 2 + y**2 + ((z + 0.18 * y**2) / draw.uniform(0.9, 0.96)) ** 2)
    radius += 0.14 * np.clip(-z, 0, None) * np.clip(y + 0.2, 0, None)  # thinner below the front
    depth = 1 - radius + 0.02 * _field(draw, shape, 0.4)
    # Sulci: sheets along the zero surfaces of a smooth field, tapering inwards; |f|·√2·σ is about distance
    sheet = np.abs(_field(draw, shape, FOLD)) * np.sqrt(2) * FOLD
    split = np.where(z > -0.1, np.abs(x), 1.0)  # the fissure between the hemispheres
    pial = np.minimum(depth - 0.03, np.minimum(sheet - 0.10 * (0.38 - depth), split - 0.06 * (0.6 - depth)))

    volume = np.full(shape, csf)
    volume = _blend(volume, grey, _inside(pial, edge))
    volume = _blend(volume, white, _inside(pial - CORTEX, edge))
    volume = _blend(volume, white, _inside(depth - 0.42, edge) * _inside(split + depth - 0.6, edge))
    paired = np.abs(x), y, z
    volume = _blend(volume, deep, _ball(paired, (0.2, -0.02, -0.05), (0.13, 0.26, 0.15), edge))
    wide = draw.uniform(0.8, 1.25)
    arched = np.abs(x), y, z + 0.25 * y**2
    volume = _blend(volume, csf, _ball(arched, (0.11, 0.0, 0.16), (0.08 * wide, 0.42, 0.13 * wide), edge))
    place = -draw.uniform(0.35, 0.5), draw.uniform(-0.3, 0.35), draw.uniform(0.1, 0.35)  # the patient's left
    size = draw.uniform(0.1, 0.17)
    volume = _blend(volume, lesion, _ball(grid, place, (size,) * 3, edge, 0.25 * _field(draw, shape, 0.15)))
    leaves = grey + (white - grey) * (0.5 + 0.5 * np.sin(26 * (z + 0.3 * y)))
    cerebellum = _ball(grid, (0, -0.55, -0.62), (0.55, 0.33, 0.26), edge)
    volume = _blend(volume, leaves, cerebellum)

    noise = generator(seed, "noise", modality)
    signal = volume * (1 + 0.08 * _field(noise, shape, 0.7)) + noise.normal(0, 0.015, shape)
    signal = np.hypot(signal, noise.normal(0, 0.015, shape))
    brain = np.maximum(_inside(depth, edge), cerebellum)
    return (signal * brain * (brain > 0.05)).astype(np.float32)


def _field(draw: np.random.Generator, shape: tuple[int, ...], sigma: float) -> np.ndarray:
    """Smooth noise of zero mean and unit spread; ``sigma`` in half fields of view."""
    field = gaussian_filter(draw.normal(size=shape), [sigma * n / 2 for n in shape], mode="wrap", truncate=3)
    return (field - field.mean()) / field.std()


def _inside(distance: np.ndarray, edge: float) -> np.ndarray:
    """1 inside (positive distance), 0 outside, smooth over ``edge``."""
    return np.clip(0.5 + distance / edge, 0, 1)


def _blend(volume: np.ndarray, value: float | np.ndarray, share: np.ndarray) -> np.ndarray:
    return volume + share * (value - volume)


def _ball(grid: Grid, centre: Triple, radii: Triple, edge: float, rough: np.ndarray | float = 0.0) -> np.ndarray:
    far = np.sqrt(sum(((axis - c) / r) ** 2 for axis, c, r in zip(grid, centre, radii, strict=True)))
    return _inside((1 - far + rough) * min(radii), edge)
