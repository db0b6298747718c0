"""Half precision does not show: trained networks score within 0.02 dB and 0.001 LPIPS of what they do in float32."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.bench import study
from benchmark.datasets.phantom import phantom
from benchmark.scores.metrics import score
from benchmark.scores.region import Region
from models import weights
from models.fast import laid_out
from models.interpolation import degrade
from models.method import Restorer, method
from models.perceptual import Perceptual
from models.training.data import SliceBank

SIZES = {
    "vq": {"channels": [16, 32, 32], "layers_per_block": 1, "codes": 64, "norm_groups": 4},
    "ldm": {"width": 16, "multipliers": [1, 2], "layers_per_block": 1, "head_channels": 16, "norm_groups": 4},
}
LEARNT = {"vq": (200, 2e-3), "ldm": (200, 1e-3)}  # steps and rate: enough for a blurred head


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    volume = phantom((32, 32, 16), "T1", seed=5).clip(0, 1).astype(np.float32)
    return np.moveaxis(volume, 2, 0)[3:13]


@pytest.fixture(scope="module")
def networks(truth: np.ndarray) -> dict[str, nn.Module]:
    options, found = study.config("demo")["networks"], {}
    bank = SliceBank([truth])
    for name, (steps, rate) in LEARNT.items():
        torch.manual_seed(0)
        network = weights.network(name, SIZES[name])
        about = options[name]["training"] | {"crop": 1.0, "patch": 32, "slices_per_step": 8, "base_rate": rate / 8}
        task = weights.training_of(name)(network, dict(found), steps, about).train()
        task.prepare(bank)
        optimiser = task.phases()["network"].optimiser
        for step in range(steps):
            optimiser.zero_grad()
            task("network", bank.batch(8), step)[0].backward()
            optimiser.step()
        found[name] = laid_out(network).eval().requires_grad_(False)
    return found


@pytest.mark.parametrize("sampling", [{"sampler": "dpm++sde", "steps": 10}, {"sampler": "ddim", "steps": 20}])
def test_it_does_not_show_in_the_scores(sampling, networks, truth, trunks) -> None:
    low = degrade(torch.from_numpy(truth)[:, None])[:, 0].clamp(0, 1).numpy()
    known, perceptual = np.arange(len(truth)), Perceptual(trunks["alex"], net="alex")
    full, half = (method("ours", networks, half=flag, **sampling).restore(low, known, known) for flag in (False, True))
    assert not np.array_equal(full, half)
    full, half = (
        score(found, truth, Region(truth > 0, "brain"), perceptual)[["psnr", "lpips"]].mean() for found in (full, half)
    )
    assert full["psnr"] > 13  # something was learnt
    assert abs(half["psnr"] - full["psnr"]) < 0.02
    assert abs(half["lpips"] - full["lpips"]) < 0.001


def test_numbers_out_of_its_range_are_not_written() -> None:
    class Loud(Restorer):
        def represent(self, slices: Tensor, index: Tensor) -> Tensor:
            return slices

        def render(self, mixed: Tensor, interpolated: Tensor) -> Tensor:
            return mixed * (float("nan") if self.half else 1.0)

    slices = np.full((2, 4, 4), 0.5, dtype=np.float32)
    Loud().restore(slices, [0, 1], [0.5])
    with pytest.raises(FloatingPointError, match=r"compute\.half"):
        Loud(half=True).restore(slices, [0, 1], [0.5])
