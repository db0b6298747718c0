"""Each method has the same result on the device as on the CPU: float32 and half, eager and compiled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setting import Check, Setting, Skipped, config, random_weights, truths

WAYS: dict[str, dict[str, bool]] = {
    "float32": {},
    "float16": {"half": True},
    "float32, compiled": {"compile": True},
    "float16, compiled": {"half": True, "compile": True},
}
MEAN = {"float32": 2e-3, "float16": 4e-3}
"""Mean difference of the pixels from the CPU's in float32 (the range is 1) that is let pass: a GPU's convolutions of
float32 have TF32's 10 bits, as float16; untrained networks damp nothing, and the codebook snaps to other codes."""
SAMPLERS: dict[str, dict[str, Any]] = {
    "ddim": {"sampler": "ddim", "eta": 1.0},
    "plms": {"sampler": "plms"},
    "dpm++": {"sampler": "dpm++"},
    "dpm++sde": {"sampler": "dpm++sde"},
    "unipc": {"sampler": "unipc"},
}
STEPS, CHUNK = 4, 8


def families() -> dict[str, list[str]]:
    """The config's methods by the networks that they use; methods without networks under ``controls``."""
    found: dict[str, list[str]] = {}
    for name, block in config()["methods"].items():
        found.setdefault("+".join(sorted(block["networks"])) or "controls", []).append(name)
    return found


def compiling() -> set[str]:
    """One family for each kind of networks."""
    networks, found = config()["networks"], {}
    for family in families():
        kinds = [
            (networks[one].get("class", one), networks[one]["size"].get("factor"))
            for one in family.split("+")
            if one in networks
        ]
        found.setdefault(repr(kinds), family)
    return set(found.values()) - {"controls"}


def checks(family: str, compiled: bool) -> list[Check]:
    """All methods of a family; only the first method is compiled, because the others share its networks."""
    found = []
    compiled = compiled and family in compiling()
    for number, name in enumerate(families()[family]):
        for way, options in WAYS.items():
            if options.get("compile") and (not compiled or number):
                continue
            estimate = 35 if options.get("compile") else 1.5 if number else 10

            def call(setting: Setting, name: str = name, way: str = way) -> str:
                return like_the_cpu(name, setting, way)

            found.append(Check(f"restore {name}: {way}", call, estimate))
    if family == "ldm+vq":
        for sampler, sampling in SAMPLERS.items():

            def sampled(setting: Setting, sampling: Mapping[str, Any] = sampling) -> str:
                return like_the_cpu("ours_no_edsr", setting, "float32", sampling)

            found.append(Check(f"restore ours_no_edsr: float32, sampler {sampler}", sampled, 1.5))
    return found


def like_the_cpu(name: str, setting: Setting, way: str, sampling: Mapping[str, Any] | None = None) -> str:
    """Restores on the CPU (once) and on the device, and compares."""
    import numpy as np

    key = f"{name} {sampling}"
    if key not in setting.kept:
        setting.kept[key] = restored(name, setting, "cpu", sampling)
    made, expected = restored(name, setting, setting.device, sampling, **WAYS[way]), setting.kept[key]
    assert made.shape == expected.shape, f"{made.shape}, not {expected.shape}"
    assert np.isfinite(made).all(), "not finite"
    off = np.abs(made - expected)
    detail = f"pixels differ by {off.mean():.1e} on average, {np.quantile(off, 0.999):.1e} in the worst 0.1 %"
    most = MEAN[way.split(",")[0]]
    assert off.mean() <= most, f"{detail}; at most {most:g} on average"
    return detail


def restored(name: str, setting: Setting, device: str, sampling: Mapping[str, Any] | None = None, **ways: bool) -> Any:
    """One phantom's slices restored as a job of the study does, (S, H, W)."""
    from benchmark import volume
    from benchmark.cohort.protocol import draw_removed, write_removal
    from benchmark.jobs.restoration import Restoration

    method = config()["methods"][name]
    if not method["networks"] and ways.get("compile"):
        raise Skipped("nothing to compile")
    options: dict[str, Any] = {}
    if "ldm" in method["networks"]:
        options = {"sampler": "ddim", "eta": 1.0, "noise": "independent", "quantise_interpolated": True}
        options |= {"steps": STEPS} | dict(sampling or {})
    truth = truths(setting)[0]
    removal = setting.folder / "removal.tsv"
    if not removal.exists():
        write_removal(removal, draw_removed(len(volume.read(truth)[0]), 0.2, 0, "toy", "phantom"))
    restoration = Restoration(
        method.get("class", name),
        random_weights(setting, method["networks"]),
        options=options | method["options"],
        chunk=CHUNK,
        seed=0,
        dataset="toy",
        device=device,
        **ways,
    )
    into = setting.folder / "restored" / "-".join([name, device, *ways])
    into.mkdir(parents=True, exist_ok=True)
    for line in restoration.subjects([truth], [str(removal)], into):
        print(line)
    return volume.read(into / Path(truth).name)[0]
