"""From noise to latents, given low-resolution slices: Algorithm 1 of the article, with a choice of solver."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from models.schedule import ARTICLE, Schedule, scheduler
from models.streaming import ahead


@torch.no_grad()
def sample(
    unet: nn.Module,
    condition: Tensor,
    *,
    seeds: Sequence[int],
    sampler: str = "ddim",
    steps: int = 200,
    eta: float = 0.0,
    scale: float = 1.0,
    channels: int = 3,
    start: Tensor | None = None,
    schedule: Schedule = ARTICLE,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Latents (B, `channels`, h, w) of the first stage, before quantisation, for `condition` (B, 3, h, w) in [−1, 1].

    `unet(x_t, t, condition)` predicts the noise. `sampler` is a name in `models.schedule.SAMPLERS`; `eta` ≥
    0 is DDIM's (0: deterministic, 1: as much noise as DDPM) and must be 0 for the others. For the diffusion, latents
    were multiplied by `scale`; the result is divided by `scale`. `start`: x_T, if it is not drawn at random.

    One seed per slice (`slice_seeds`): the starting noise of a slice and the noise of every step come from the slice's
    own generator, so the noise does not depend on the other slices of the batch; equal seeds give equal noise fields.
    The generators are on the CPU: a seed gives the same noise on every device.

    The solver's state is float32, whatever precision the network uses. `callback(step, x)` gets x after every
    evaluation of the network. The loop does not wait for the device (except inside the "unipc" solver, which reads its
    coefficients there).

    `steps` is the exact number of steps: 150 for the article's 150. The original code uses a stride of ⌊1000 / T⌋ up to
    the end: range(0, 1000, 6), so for T = 150 it makes 167 steps; `steps=167` gives the same steps. If T divides 1000,
    both are the same. PLMS evaluates the network once more, in its first step.
    """
    if len(seeds) != len(condition):
        raise ValueError(f"sample: {len(condition)} slices but {len(seeds)} seeds")
    if eta < 0 or (eta > 0 and sampler != "ddim"):
        raise ValueError(f"sample: eta = {eta} with sampler {sampler!r}: eta belongs to ddim and is not negative")
    solver = scheduler(sampler, schedule)
    times = timesteps(solver, steps)
    device = condition.device
    on_device = torch.tensor(times, device=device)
    channels = channels if start is None else start.shape[1]
    noise = noise_stream(seeds, (channels, *condition.shape[-2:]), device)
    x = next(noise)
    if start is not None:
        x = start.to(device, torch.float32)
    options: dict[str, Any] = {"eta": eta} if sampler == "ddim" else {}
    stochastic = eta > 0 or sampler == "dpm++sde"

    for step, t in enumerate(times):
        # A copy, because the next call of a compiled network overwrites its last result, and solvers keep results.
        epsilon = unet(x, on_device[step], condition).to(torch.float32, copy=True)
        if stochastic:
            options["variance_noise"] = next(noise)
        # The solver gets t as a plain number: its coefficients stay on the CPU and nothing is read back.
        x = solver.step(epsilon, t, x, return_dict=False, **options)[0]
        if callback is not None:
            callback(step, x / scale)
    return x / scale


def timesteps(solver, steps: int) -> list[int]:
    """The times at which the network is evaluated, from noise to image. Sets the solver to `steps` steps.

    DDIM and PLMS: if a stride of ⌈1000 / T⌉ through the whole schedule has exactly `steps` times (a stride of 6 has
    167), and the solver can take this stride, these times are used, and the first one is at the noise. Else the stride
    is ⌊1000 / T⌋; ValueError if the steps would then not begin near the noise: T = 600 would start at 600.
    """
    total = solver.config.num_train_timesteps
    if not 1 <= steps < total:
        raise ValueError(f"sample: {steps} steps; a schedule of {total} allows 1 to {total - 1}")
    solver.set_timesteps(steps)
    stride = -(-total // steps)
    whole = range(solver.config.get("steps_offset", 0), total, stride)
    exact = total // (total // stride) == stride  # solvers derive their stride from a number of steps
    fits = exact and len(whole) == len(range(0, total, stride)) == steps
    if total % steps and fits and hasattr(solver, "final_alpha_cumprod"):
        _set_times(solver, whole)
    times = [int(t) for t in solver.timesteps]
    if times[0] + total // steps < 0.8 * total:
        raise ValueError(f"sample: {steps} steps would start at t = {times[0]} of {total}: choose a divisor of {total}")
    return times


def _set_times(solver, whole: range) -> None:
    """Sets DDIM or PLMS to the times `whole` (ascending), because diffusers' own setting omits the last times."""
    times = torch.tensor(whole).flip(0)
    solver.num_inference_steps = solver.config.num_train_timesteps // whole.step  # solvers derive their stride from it
    if hasattr(solver, "plms_timesteps"):  # PLMS begins by evaluating its second time twice
        times = torch.cat([times[:2], times[1:]])
    solver.timesteps = times


def noise_stream(seeds: Sequence[int], shape: tuple[int, ...], device: torch.device) -> Iterator[Tensor]:
    """Endless standard normal fields (B, *shape), row i from its own generator with seed seeds[i].

    For a GPU, threads draw the fields one step ahead: otherwise the GPU would wait for them at every step.
    """
    generators = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
    row_of = {seed: row for row, seed in enumerate(generators)}
    rows = torch.tensor([row_of[seed] for seed in seeds], device=device)
    drawn = _drawn(list(generators.values()), shape)
    if device.type == "cuda":
        drawn = ahead(_drawn_by_threads(list(generators.values()), shape))
    for fields in drawn:
        yield fields.to(device, non_blocking=True)[rows]


def _drawn(generators: Sequence[torch.Generator], shape: tuple[int, ...]) -> Iterator[Tensor]:
    """Endless fields (G, *shape) on the CPU."""
    while True:
        fields = torch.empty(len(generators), *shape)
        _fill(fields, generators)
        yield fields


def _drawn_by_threads(generators: Sequence[torch.Generator], shape: tuple[int, ...]) -> Iterator[Tensor]:
    """As ``_drawn``, in newly pinned memory for every draw, so that the copy to a GPU overlaps with the GPU's work."""
    count = torch.get_num_threads()
    shares = [slice(i, None, count) for i in range(count)]
    with ThreadPoolExecutor(count) as threads:
        while True:
            fields = torch.empty(len(generators), *shape, pin_memory=torch.cuda.is_available())
            list(threads.map(_fill, [fields[share] for share in shares], [generators[share] for share in shares]))
            yield fields


def _fill(fields: Tensor, generators: Sequence[torch.Generator]) -> None:
    for field, generator in zip(fields, generators, strict=True):
        field.normal_(generator=generator)


def slice_seeds(seed: int, positions: Sequence[int], noise: str = "independent") -> list[int]:
    """One seed for each slice of a volume.

    `independent` noise, as published: a different seed for each slice; `shared`: the same seed for all. A slice's seed
    depends on `seed` and on its position only, so a volume may be sampled in any chunks and order.
    """
    if noise == "shared":
        return [seed] * len(positions)
    if noise != "independent":
        raise ValueError(f"noise {noise!r} is not known: choose independent or shared")
    # A large odd constant separates the volumes: slices of different volumes must not have the same seeds.
    return [(seed + (int(position) + 1) * 0x9E3779B97F4A7C15) % 2**63 for position in positions]
