"""Sampling, decoding and sharpening: by this project's method, and by plain use of the libraries."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.bench import plain, study
from benchmark.bench.limit import counted
from benchmark.bench.row import Race

CHUNK, STEPS, SLICES = 16, 4, 6
"""Slices per chunk; number of timed steps; known slices of the volume that is timed as a whole."""


def rows(config: Mapping[str, Any], side: int) -> Iterator[Race]:
    """Of slices ``side``×``side`` on the CPU."""
    import torch

    from models.method import method

    fast, slow = (study.networks(config, torch.device("cpu"), kind) for kind in (True, False))
    low = torch.from_numpy(study.noise(CHUNK, side // 4))[:, None]
    images = torch.from_numpy(study.noise(CHUNK, side))[:, None]
    latents, index = torch.randn(CHUNK, 3, side // 4, side // 4), torch.arange(CHUNK)
    first_stage = {"vq": fast["vq"], "ldm": fast["ldm"]}
    work = {
        "sampling": STEPS * counted(lambda: slow["ldm"](latents, torch.tensor(500), low)),
        "decoding": counted(lambda: slow["vq"].decode(latents)),
        "EDSR": counted(lambda: slow["edsr"](images)),
    }

    def sharpened() -> torch.Tensor:
        with torch.no_grad():
            return slow["edsr"](images)

    plainly = {
        "sampling": lambda: plain.sample(slow["ldm"], low, STEPS),
        "decoding": lambda: plain.decode(slow["vq"], latents),
        "EDSR": sharpened,
    }
    whole, unsharpened = (method("ours", networks, chunk=CHUNK, steps=STEPS) for networks in (fast, first_stage))
    calls = {
        "sampling": (whole, lambda r: r.latents(low, index), CHUNK * STEPS),
        "decoding": (unsharpened, lambda r: r.decode(latents), CHUNK),
        "EDSR": (whole, lambda r: r.sharpen(images), CHUNK),
    }
    for part, (restorer, call, each) in calls.items():
        unit = "slice and step" if part == "sampling" else "slice"
        yield Race(part, unit, evaluated(restorer, call), plainly[part], each, work[part])
    yield volume(config, fast, slow, low[:SLICES])


def evaluated(restorer: Any, call: Any) -> Any:
    """``call(restorer)`` as ``restore`` evaluates networks."""
    import torch

    def run() -> None:
        with torch.inference_mode():
            call(restorer)

    return run


def volume(config: Mapping[str, Any], fast: Mapping[str, Any], slow: Mapping[str, Any], low: Any) -> Race:
    """The whole work: known slices (S, 1, h, w), one new slice in every gap; the few-step choice against T = 200 in
    plain code."""
    from models.method import method

    chosen = config["samplers"]["named"]["fast"]
    slices, known = low[:, 0].numpy(), np.arange(len(low))
    at = np.linspace(0, len(low) - 1, 2 * len(low) - 1)
    restorer = method("ours", fast, chunk=CHUNK, **chosen)
    return Race(
        f"a volume of {len(low)} slices, n = 1: `sampler: fast` against T = 200",
        "volume",
        lambda: restorer.restore(slices, known, at),
        lambda: plain.restore(slow, low, 200),
        options={"rounds": 1, "warm_up": False},
    )
