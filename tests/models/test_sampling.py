"""Samplers, their time steps and seeds, and the noise schedule."""

from itertools import islice, pairwise

import pytest
import torch
from torch import Tensor, nn

from benchmark.config.cross_check import reaches_noise
from models.half import halved
from models.sampling import _drawn, _drawn_by_threads, sample, slice_seeds, timesteps
from models.schedule import SAMPLERS, Schedule, add_noise, scheduler
from models.streaming import ahead
from models.unet import build_unet

ALPHAS = Schedule().alphas_bar()


class ExactDenoiser(nn.Module):
    """Predicts the noise exactly, as if every latent were the condition."""

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        level = ALPHAS.to(x.device)[t]
        return (x - level.sqrt() * condition) / (1 - level).sqrt()


@pytest.fixture(scope="module")
def unet() -> nn.Module:
    torch.manual_seed(0)
    return build_unet(width=16, multipliers=[1, 1], attention_factors=[2], head_channels=8, norm_groups=4).eval()


@pytest.fixture
def condition() -> Tensor:
    return torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1


CHOICES = [("ddim", 0.0), ("ddim", 1.0), ("plms", 0.0), ("dpm++", 0.0), ("dpm++sde", 0.0), ("unipc", 0.0)]


@pytest.mark.parametrize(("sampler", "eta"), CHOICES)
def test_every_sampler_converges_to_the_exact_denoisers_image(sampler: str, eta: float, condition: Tensor):
    found = sample(ExactDenoiser(), condition, seeds=range(5), sampler=sampler, eta=eta, steps=20, scale=2.0)
    # The original's solvers stop at ᾱ_0, which leaves noise of spread √(1 − ᾱ_0) = 0.039.
    assert (found * 2 - condition).abs().mean() < 0.04


class Gaussian(nn.Module):
    """Predicts the noise exactly, as if latents were independent and normal: N(``mean``, 0.4²)."""

    def __init__(self, mean: float) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, x: Tensor, t: Tensor, condition: Tensor) -> Tensor:
        level = ALPHAS[t]
        return (1 - level).sqrt() * (x - level.sqrt() * self.mean) / (level * 0.4**2 + 1 - level)


@pytest.mark.parametrize(("sampler", "most"), [("ddim", 0.06), ("plms", 0.02), ("dpm++", 0.003), ("unipc", 0.003)])
def test_solver_follows_the_exact_path_of_gaussian_latents(sampler: str, most: float, condition: Tensor):
    """Latents N(0.3, 0.4²) have a known score, and x_t moves with √(ᾱ_t 0.4² + 1 − ᾱ_t) about √ᾱ_t 0.3 (probability
    flow of Song et al. 2021). At 20 steps, solvers of second order are far nearer than of first order (0.01 to 0.02).
    """
    start = torch.randn(condition.shape, generator=torch.Generator().manual_seed(0))
    first, last = (ALPHAS[timesteps(scheduler(sampler), 20)[end]] for end in (0, -1))
    spread = ((last * 0.4**2 + 1 - last) / (first * 0.4**2 + 1 - first)).sqrt()
    expected = last.sqrt() * 0.3 + spread * (start - first.sqrt() * 0.3)
    seen: list[Tensor] = []
    options = {"seeds": range(5), "sampler": sampler, "steps": 20, "start": start}
    sample(Gaussian(0.3), condition, callback=lambda step, x: seen.append(x), **options)
    assert (seen[-2] - expected).abs().mean() < most  # before the last step, which removes the noise that is left


@pytest.mark.parametrize(
    ("sampler", "eta", "steps", "spread"),
    [("ddim", 1.0, 200, 0.38), ("ddim", 0.0, 10, 0.29), ("plms", 0.0, 5, 0.30), ("dpm++", 0.0, 5, 0.18)],
)
def test_few_steps_draw_too_little_spread(sampler: str, eta: float, steps: int, spread: float):
    """The numbers of docs/speed.md; the latents' own spread is 0.4."""
    options = {"seeds": range(4), "sampler": sampler, "eta": eta, "steps": steps}
    drawn = sample(Gaussian(0.0), torch.zeros(4, 3, 32, 32), **options)
    assert float(drawn.std()) == pytest.approx(spread, abs=0.01)


@pytest.mark.parametrize(("sampler", "eta"), CHOICES)
def test_result_of_a_slice_does_not_depend_on_its_batch(sampler: str, eta: float, condition: Tensor, unet: nn.Module):
    options = {"sampler": sampler, "eta": eta, "steps": 4}
    seeds = slice_seeds(7, range(5))
    whole = sample(unet, condition, seeds=seeds, **options)
    parts = [sample(unet, condition[i], seeds=[seeds[j] for j in i], **options) for i in ([4, 1], [0], [2, 3])]
    torch.testing.assert_close(torch.cat(parts)[[2, 1, 3, 4, 0]], whole, rtol=1e-4, atol=1e-4)
    again = sample(unet, condition, seeds=seeds, **options)
    assert torch.equal(again, whole)


@pytest.mark.parametrize(("sampler", "eta"), CHOICES)
def test_shared_noise_gives_equal_slices_for_equal_conditions(
    sampler: str, eta: float, condition: Tensor, unet: nn.Module
):
    same = condition[:1].expand(3, -1, -1, -1)
    options = {"sampler": sampler, "eta": eta, "steps": 3}
    shared = sample(unet, same, seeds=slice_seeds(7, range(3), "shared"), **options)
    torch.testing.assert_close(shared, shared[:1].expand(3, -1, -1, -1))
    independent = sample(unet, same, seeds=slice_seeds(7, range(3)), **options)
    assert not torch.allclose(independent[0], independent[1], atol=0.1)


@pytest.mark.parametrize(("eta", "steps", "stride"), [(0.0, 10, 100), (0.5, 10, 100), (1.0, 10, 100), (1.0, 167, 6)])
def test_ddim_is_equation_5(eta: float, steps: int, stride: int, condition: Tensor, unet: nn.Module):
    """z_{t−1} = √ᾱ_{t−1} (z_t − √(1−ᾱ_t) ε) / √ᾱ_t + √(1 − ᾱ_{t−1} − σ²) ε + σ ε_t, at the original's times."""
    condition = condition[:1]
    generator = torch.Generator().manual_seed(3)
    z = torch.randn(1, 3, 8, 8, generator=generator)
    times = list(range(1, 1000, stride))
    with torch.no_grad():
        for i in reversed(range(steps)):
            now, before = ALPHAS[times[i]], ALPHAS[times[i - 1]] if i else ALPHAS[0]
            sigma = eta * ((1 - before) / (1 - now) * (1 - now / before)).sqrt()
            epsilon = unet(z, torch.tensor(times[i]), condition)
            clean = (z - (1 - now).sqrt() * epsilon) / now.sqrt()
            z = before.sqrt() * clean + (1 - before - sigma**2).sqrt() * epsilon
            if eta:
                z = z + sigma * torch.randn(1, 3, 8, 8, generator=generator)
    found = sample(unet, condition, seeds=[3], steps=steps, eta=eta)
    torch.testing.assert_close(found, z, rtol=1e-4, atol=1e-4)


def test_timesteps_have_the_requested_number_and_the_originals_values():
    assert timesteps(scheduler("ddim"), 20) == list(range(951, 0, -50))
    assert len(timesteps(scheduler("ddim"), 150)) == 150  # the original would take 167
    assert timesteps(scheduler("ddim"), 167) == list(range(997, 0, -6))  # as the original's 150
    assert timesteps(scheduler("plms"), 167) == [997, 991, *range(991, 0, -6)]
    assert len(timesteps(scheduler("plms"), 20)) == 21
    assert timesteps(scheduler("dpm++"), 10)[0] == 999


@pytest.mark.parametrize("name", ["ddim", "plms"])
def test_the_solvers_stride_is_the_distance_between_the_times(name: str):
    """Else a step would end at another time than that at which the next step begins."""
    for steps in [*range(1, 40), 143, 150, 167, 250]:
        solver = scheduler(name)
        times = sorted(set(timesteps(solver, steps)))
        assert len(times) == steps
        assert {later - earlier for earlier, later in pairwise(times)} <= {1000 // solver.num_inference_steps}


def test_config_accepts_the_numbers_of_steps_that_sampling_accepts():
    for steps in range(1, 1000):
        accepted = True
        try:
            timesteps(scheduler("ddim"), steps)
        except ValueError:
            accepted = False
        assert reaches_noise(steps) == accepted, steps


def test_start_callback_and_half_precision_are_applied(condition: Tensor, unet: nn.Module):
    seen: list[tuple[int, Tensor]] = []
    start = torch.randn(5, 3, 8, 8)
    options = {"seeds": range(5), "steps": 4, "start": start}
    full = sample(unet, condition, callback=lambda step, x: seen.append((step, x)), **options)
    assert [step for step, _ in seen] == [0, 1, 2, 3]
    assert torch.equal(seen[-1][1], full)
    assert not torch.allclose(full, sample(unet, condition, seeds=range(5), steps=4))
    mixed = sample(halved(unet), condition, **options)
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, full)
    assert (mixed - full).norm() / full.norm() < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": [1]}, "5 slices but 1 seeds"),
        ({"sampler": "euler"}, "sampler 'euler' is not known: choose one of ddim, plms"),
        ({"sampler": "plms", "eta": 1.0}, "eta belongs to ddim"),
        ({"eta": -0.1}, "is not negative"),
        ({"steps": 0}, "0 steps"),
        ({"steps": 1000}, "1000 steps; a schedule of 1000 allows 1 to 999"),
        ({"steps": 600}, "would start at t = 600 of 1000"),
    ],
)
def test_invalid_sampling_options_are_refused(options: dict, message: str, condition: Tensor):
    with pytest.raises(ValueError, match=message):
        sample(ExactDenoiser(), condition, **{"seeds": range(5), **options})
    with pytest.raises(ValueError, match="noise 'pink' is not known"):
        slice_seeds(0, range(3), "pink")


def test_seeds_of_all_volumes_and_slices_are_distinct():
    drawn = [seed for volume in range(50) for seed in slice_seeds(volume, range(200))]
    assert len(set(drawn)) == len(drawn)
    assert slice_seeds(5, [3, 4]) == slice_seeds(5, range(10))[3:5]


def test_add_noise_mixes_each_slice_at_the_time_of_the_same_index():
    clean, noise = torch.ones(3, 2, 4, 4), torch.zeros(3, 2, 4, 4)
    t = torch.tensor([0, 500, 999])
    torch.testing.assert_close(add_noise(clean, noise, t, ALPHAS)[:, 1, 2, 3], ALPHAS[t].sqrt())
    torch.testing.assert_close(add_noise(noise, clean, t, ALPHAS)[:, 0, 0, 0], (1 - ALPHAS[t]).sqrt())


def test_schedule_is_linear_in_the_square_root_of_beta():
    betas = Schedule().betas()
    assert len(betas) == 1000
    torch.testing.assert_close(betas[[0, -1]], torch.tensor([0.0015, 0.0155], dtype=torch.float64))
    torch.testing.assert_close(betas.sqrt().diff(), betas.sqrt().diff()[:1].expand(999), rtol=1e-6, atol=0)
    for name in SAMPLERS:
        torch.testing.assert_close(scheduler(name).alphas_cumprod, ALPHAS, rtol=1e-4, atol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("sampler", "eta"), [choice for choice in CHOICES if choice[0] != "unipc"])
def test_sampling_loop_does_not_synchronise_with_the_gpu(sampler: str, eta: float, condition: Tensor, unet: nn.Module):
    modes = []
    module, condition = unet.to("cuda"), condition.cuda()

    def guard(step: int, _: Tensor) -> None:
        modes.append(step)
        torch.cuda.set_sync_debug_mode("error")  # from the first step on

    try:
        sample(module, condition, seeds=range(5), sampler=sampler, eta=eta, steps=4, callback=guard)
    finally:
        torch.cuda.set_sync_debug_mode("default")
        unet.to("cpu")
    assert len(modes) >= 4


def test_noise_drawn_by_threads_equals_noise_drawn_in_order():
    plain, threads = ([torch.Generator().manual_seed(seed) for seed in range(5)] for _ in range(2))
    expected = islice(_drawn(plain, (3, 8, 8)), 4)
    with torch.inference_mode():
        found = islice(ahead(_drawn_by_threads(threads, (3, 8, 8))), 4)
        for one, other in zip(expected, found, strict=True):
            assert torch.equal(one, other)
