"""The sections of ``make bench-gpu``, the most informative first."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.bench import plain, study
from benchmark.bench.gpu import Bench
from benchmark.bench.learning import Learning, Plainly, TrainingSetup, one_of_each_class
from benchmark.bench.limit import counted


class Restoring:
    """Networks of the study and inputs of noise on the bench's device; ``half`` and compiled networks are made once."""

    def __init__(self, bench: Bench) -> None:
        import torch

        self.bench, self.device = bench, bench.device
        self.networks = study.networks(bench.config, bench.device, fast=True)
        side = bench.size.side // 4
        self.low = study.noise(bench.size.slices, side)
        self.slices = torch.from_numpy(self.low[:, None]).to(self.device)
        self.latents = torch.randn(bench.size.slices, 3, side, side, device=self.device)
        self.t = torch.tensor(500, device=self.device)

    @classmethod
    @functools.lru_cache(maxsize=1)
    def of(cls, bench: Bench) -> "Restoring":
        """One object, shared by all sections."""
        return cls(bench)

    def step_flop(self) -> float:
        """FLOP of one step for all slices."""
        network = self.networks["ldm"]
        return len(self.slices) * counted(lambda: network(self.latents[:1], self.t, self.slices[:1]))

    def shown_flop(self) -> float:
        """FLOP of decoding and sharpening one slice."""
        image = self.slices.new_zeros(1, 1, self.bench.size.side, self.bench.size.side)
        decoded = counted(lambda: self.networks["vq"].decode(self.latents[:1]))
        return decoded + counted(lambda: self.networks["edsr"](image))

    def fast(self, compiled: bool) -> dict[str, Any]:
        """Networks with float16 weights; compiled with the bench's compiler."""
        from models.compiling import compile_costly
        from models.half import halved

        networks_fast: dict[str, Any] = {name: halved(network) for name, network in self.networks.items()}
        if compiled:
            for network in networks_fast.values():
                compile_costly(network, **self.bench.size.compiler)
        return networks_fast

    def step(self, networks: dict[str, Any]) -> Callable[[], object]:
        """A call: one step of all slices at once."""
        import torch

        def call() -> None:
            with torch.inference_mode():
                networks["ldm"](self.latents, self.t, self.slices)

        return call

    def restored(self, n: int, compiled: bool, sampling: dict[str, Any]) -> Callable[[], object]:
        """A call: the volume with ``n`` new slices in every gap, block by block, without keeping results."""
        from models.compiling import eagerly
        from models.method import method

        self.fast(compiled)
        known = np.arange(len(self.low))
        at = np.linspace(0, len(known) - 1, (len(known) - 1) * (n + 1) + 1)
        restorer = method("ours", self.networks, device=self.device, half=True, compiled=compiled, **sampling)

        def call() -> None:
            with nullcontext() if compiled else eagerly():
                for _ in restorer.stream(self.low, known, at):
                    pass

        return call


def unet(bench: Bench) -> None:
    """One step of the diffusion, all slices at once."""
    setup = Restoring.of(bench)
    flop = setup.step_flop()
    for how, compiled in (("float16 weights", False), ("float16 weights, compiled", True)):
        call = setup.step(setup.fast(compiled))
        seconds, peak = bench.timed(call, repeats=6)
        bench.add(f"U-Net, a step of {bench.size.slices}", how, 1000 * seconds, "ms", flop, "32", peak)
    bench.profile("U-Net step, compiled", call)


def decoding(bench: Bench) -> None:
    """Latents to sharpened slices."""
    import torch

    from models.compiling import eagerly
    from models.method import method

    setup = Restoring.of(bench)
    image = setup.slices.new_zeros(1, 1, bench.size.side, bench.size.side)
    flop = {
        "decoding": counted(lambda: setup.networks["vq"].decode(setup.latents[:1])),
        "EDSR": counted(lambda: setup.networks["edsr"](image)),
    }
    count = min(32, bench.size.slices)
    images = setup.slices.new_zeros(count, 1, bench.size.side, bench.size.side)
    for how, compiled in (("float16 weights", False), ("float16 weights, compiled", True)):
        networks = setup.fast(compiled)
        mode = nullcontext if compiled else eagerly  # earlier sections have compiled them
        both = method("ours", setup.networks, device=setup.device, half=True, compiled=compiled)
        alone = method("ours", {n: networks[n] for n in ("vq", "ldm")}, device=setup.device)

        def decoded(restorer: Any = alone, mode: Any = mode) -> None:
            with torch.inference_mode(), mode():
                restorer.decode(setup.latents[:count])

        def sharpened(restorer: Any = both, mode: Any = mode) -> None:
            with torch.inference_mode(), mode():
                restorer.sharpen(images)

        for what, call, aim in (("decoding", decoded, "1.8"), ("EDSR", sharpened, "0.4")):
            seconds, peak = bench.timed(call, repeats=5)
            bench.add(what, how, 1000 * seconds / count, "ms a slice", flop[what], aim, peak)
        if compiled:
            bench.profile(f"decoding {count} slices, compiled", decoded)


def restoring(bench: Bench) -> None:
    """Whole volumes by the article's method, as `restore` makes them."""
    setup, size = Restoring.of(bench), bench.size
    step, shown = setup.step_flop(), setup.shown_flop()
    few = bench.config["samplers"]["named"]["fast"]
    ddim = {"sampler": "ddim", "steps": size.steps, "eta": 1.0}
    rows = [
        ("`sampler: fast`, n = 1", few, 1, "0.7"),
        (f"`sampler: fast`, n = {size.many}", few, size.many, "3"),
        (f"DDIM-{size.steps}, n = 1", ddim, 1, "6.8"),
    ]
    if bench.warm:
        rows = rows[:1]
    for what, sampling, n, aim in rows:
        flop = sampling["steps"] * step + ((size.slices - 1) * (n + 1) + 1) * shown
        call = setup.restored(n, True, sampling)
        # The longest row has no warm-up, because the other rows already warmed up.
        seconds, peak = bench.timed(call, repeats=3 if n == 1 and sampling is few else 1, warm_up=sampling is few)
        bench.add(what, "float16 weights, compiled", seconds, "s", flop, aim, peak)


def eager(bench: Bench) -> None:
    """The same without compilation, and as plain code with diffusers only; a few steps, scaled up."""
    setup, size = Restoring.of(bench), bench.size
    few = min(2, size.steps)
    flop = size.steps * setup.step_flop() + (2 * size.slices - 1) * setup.shown_flop()
    slow = study.networks(bench.config, bench.device, fast=False)
    part = setup.slices[:16]

    def plainly(steps: int) -> None:
        for chunk in part.split(16):
            plain.restore(slow, chunk, steps)

    def scaled(single: float, more: float, of: int) -> float:
        """Seconds of all slices and steps, from the seconds of one step and of ``1 + few``."""
        return (single + (size.steps - 1) * (more - single) / few) * size.slices / of

    one, more = (bench.timed(partial(plainly, steps), repeats=2)[0] for steps in (1, 1 + few))
    bench.add(f"DDIM-{size.steps}, n = 1", "plain, float32", scaled(one, more, len(part)), "s", flop)
    sampling = {"sampler": "ddim", "eta": 1.0}
    ours = [setup.restored(1, False, sampling | {"steps": steps}) for steps in (1, 1 + few)]
    one, more = (bench.timed(call, repeats=1)[0] for call in ours)
    bench.add(f"DDIM-{size.steps}, n = 1", "float16 weights", scaled(one, more, size.slices), "s", flop)


WAYS: dict[str, dict[str, Any]] = {
    "bf16-mixed, frozen networks float16": {"half": True},
    "the same, compiled": {"half": True, "compiled": True},
    "the same, as CUDA graphs": {"half": True, "compiled": True, "compiler": {"mode": "reduce-overhead"}},
}


def training_setup(bench: Bench, name: str, training: Mapping[str, Any]) -> TrainingSetup:
    """What a section trains; no perceptual loss, which would need a download."""
    return TrainingSetup(name, bench.config, bench.size.side, Path(), bench.device.type, training)


def training(bench: Bench, name: str, what: str, aim: str, ways: Sequence[str], **training: Any) -> None:
    """A step of one of the two large networks, with bf16 in mixed precision; the losses of the first steps."""
    import torch

    size = bench.size
    flop = 0.0
    for how in ways:
        options = dict(WAYS[how])
        compiler = options.pop("compiler", {}) | size.compiler if "compiled" in options else None
        learning = Learning(training_setup(bench, name, training), precision="bf16-mixed", compiler=compiler, **options)
        losses: list[float] = []
        first = 0.0
        for seed in range(1 if bench.warm else 4):
            torch.manual_seed(seed)
            begun = time.perf_counter()
            losses.append(float(learning.step()["network_loss"]))
            first = first or time.perf_counter() - begun
        bench.say(f"  losses of the first steps: {', '.join(f'{loss:.5f}' for loss in losses)}")
        flop = flop or counted(learning.step)

        def steps(learning: Learning = learning) -> None:
            for _ in range(size.trained):
                learning.step()

        seconds, peak = bench.timed(steps, repeats=2, warm_up=False)
        bench.calls = [first, *(call / size.trained for call in bench.calls)]
        bench.add(
            f"training, {what}, batch {learning.batch}: a step",
            how,
            1000 * seconds / size.trained,
            "ms",
            flop,
            aim,
            peak,
        )
        bench.profile(f"training step, {what}, {how}", learning.step)


def small(bench: Bench, how: str, **options: bool) -> None:
    """A step of every other network, as in the config; without perceptual losses, which need a download."""
    size = bench.size
    for name in one_of_each_class(bench.config):
        if name in ("vq", "ldm"):  # these have their own sections
            continue
        learning = Learning(
            training_setup(bench, name, {"perceptual_weight": 0}),
            precision="bf16-mixed",
            compiler=size.compiler if "compiled" in options else None,
            half=True,
            **options,
        )
        seconds, peak = bench.timed(learning.step, repeats=size.trained)
        flop = counted(learning.step)
        bench.add(f"training, {name}, batch {learning.batch}: a step", how, 1000 * seconds, "ms", flop, "", peak)


def plain_training(bench: Bench) -> None:
    """The U-Net's training step in plain code."""
    learning = Plainly(training_setup(bench, "ldm", {"batch": BATCH}))
    seconds, peak = bench.timed(learning.step, repeats=3)
    flop = counted(learning.step)
    bench.add(
        f"training, U-Net, batch {learning.batch}: a step", "plain, float32", 1000 * seconds, "ms", flop, "", peak
    )


BATCH = 16
"""Slices of a training step for which the aims are, whatever the config's recipe says."""
UNET: dict[str, Any] = {"name": "ldm", "what": "U-Net", "aim": "35", "batch": BATCH}
VQ: dict[str, Any] = {"name": "vq", "what": "VQ", "aim": "150", "batch": BATCH}
VQ |= {"perceptual_weight": 0, "discriminator_weight": 0}
SECTIONS: dict[str, tuple[Callable[[Bench], None], int]] = {
    "unet": (unet, 15),
    "restoring": (restoring, 15),
    "decoding": (decoding, 5),
    "train-unet": (partial(training, **UNET, ways=list(WAYS)[:2]), 15),
    "train-vq": (partial(training, **VQ, ways=list(WAYS)[:2]), 15),
    "small": (partial(small, how="bf16-mixed"), 6),
    "graphs-unet": (partial(training, **UNET, ways=list(WAYS)[2:]), 15),
    "small-compiled": (partial(small, how="bf16-mixed, compiled", compiled=True), 30),
    "eager": (eager, 8),
    "train-plain": (plain_training, 4),
}
"""By name: the section and its least seconds, with compiled kernels already in PyTorch's cache."""
