"""Checks apart from networks: LPIPS, a zoom, the speed of a training, jobs that share a GPU, the smoke study."""

import gc
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from setting import SIDE, SLICES, Check, Setting, Skipped, config, random_weights, truths

from benchmark.config import load_config

ROOT = Path(__file__).parents[2]
LPIPS = 2e-3
"""Difference of LPIPS from the CPU's that is let pass: TF32's 10 bits."""
ZOOM = 5e-3
"""Mean difference of a zoomed scan from the CPU's, as a share of the grey scale: half precision, untrained weights."""
STUDIED = ["ours", "quartet", "linear"]
STUDY_SECONDS = 110


def checks() -> dict[str, list[Check]]:
    """Checks by group."""
    zooms = [
        Check("zoom: linear", lambda setting: zoomed(setting, "linear", []), 10),
        Check("zoom: quartet_full", lambda setting: zoomed(setting, "quartet_full", ["quartet_full"]), 10),
        Check("zoom: ours, uncertainty", lambda s: zoomed(s, "ours", ["vq", "ldm", "edsr"], uncertainty=2), 15),
    ]
    memory = [
        Check(f"memory of a training at 256×256: {name}", lambda setting, name=name: peak(setting, name), 8)
        for name in trained_for_the_article()
    ]
    return {
        "memory": memory,
        "study": [Check("smoke study through Snakemake, jobs share the GPU", study, STUDY_SECONDS)],
        "zoom": zooms,
        "scores": [
            Check("LPIPS: full frame and mask", perceptual, 10),
            Check("speed of a training (rule pace)", pace, 10),
        ],
    }


def perceptual(setting: Setting) -> str:
    """Distances of noisy slices as on the CPU."""
    import numpy as np

    from benchmark import volume
    from models.perceptual import Perceptual

    trunk = setting.trunk("alex")
    if trunk is None:
        raise Skipped("no alex.safetensors in --trunks")
    truth = volume.read(truths(setting)[0])[0][4:10]
    noisy = (truth + np.random.default_rng(0).normal(0, 0.05, truth.shape)).clip(0, 1).astype(np.float32)
    metric = Perceptual(trunk, net="alex")
    expected = metric.distances(noisy, truth, truth > 0)
    found = metric.to(setting.device).distances(noisy, truth, truth > 0)
    off = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    assert off <= LPIPS, f"LPIPS differs by {off:.1e}; at most {LPIPS:g}"
    return f"LPIPS differs by {off:.1e} at most"


def pace(setting: Setting) -> str:
    """The measurement that ``snakemake speed`` makes, and that its peak of memory is this device's."""
    from models.training.speed import measure

    study = config()
    compute = study["compute"] | {"device": setting.device, "threads": 1}
    row = measure("wdsr", study["networks"], side=64, compute=compute, trunk=None, steps=3)
    assert row["device"].startswith(setting.device), row
    assert row["seconds_per_step"] > 0, row
    assert row["peak_mb"] > 0, row
    return f"{row['seconds_per_step'] * 1000:.1f} ms a step, {row['peak_mb']:.0f} MB"


def trained_for_the_article() -> list[str]:
    """Networks of config/config.yaml, those of equal class and size once."""
    found: dict[str, str] = {}
    for name, block in load_config()["networks"].items():
        found.setdefault(repr((block.get("class", name), block["size"].get("factor"))), name)
    return list(found.values())


def peak(setting: Setting, name: str) -> str:
    """A training at the article's size, of eight slices, uses at most the GPU memory that ``claim`` requests.

    It is not compiled: that takes a minute and no more memory. On the CPU the networks are small, and nothing is
    compared.
    """
    import torch

    from benchmark.cluster import demand
    from benchmark.config.recipe import settled
    from models.training.speed import measure

    article, side, dry = load_config(), 256, setting.device == "cpu"
    if dry:
        side = SIDE
        for network, block in config()["networks"].items():
            article["networks"][network]["size"] = block["size"]
    else:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    training = settled(article["networks"][name]["training"], SLICES) | {"batch": 8}
    if "sampling_steps" in training:
        training["sampling_steps"] = 1  # more steps take no more memory
    net = training.get("perceptual_net", "vgg")
    if training.get("perceptual_weight") and setting.trunk(net) is None:
        training["perceptual_weight"] = 0
    article["networks"][name]["training"] = training
    compute = article["compute"] | {"device": setting.device, "threads": 1, "compile": False}
    row = measure(name, article["networks"], side=side, compute=compute, trunk=setting.trunk(net), steps=2)
    if dry:
        raise Skipped("it is the memory of a GPU")
    estimate = demand.training_mb(name, article | {"results": str(setting.folder)}) - demand.CONTEXT_MB
    taken = row["peak_mb"] * 1e6 / 2**20
    detail = f"{taken:.0f} MiB of {estimate:.0f} that are asked for, {row['seconds_per_step'] * 1000:.0f} ms a step"
    assert taken <= estimate, detail
    return detail


def zoomed(setting: Setting, method: str, networks: list[str], **options: Any) -> str:
    """A phantom scan zoomed on the device and on the CPU, from the same weights."""
    import numpy as np

    from benchmark import volume
    from zoom.request import request
    from zoom.run import zoom

    study = config()
    weights = tuple(random_weights(setting, networks))
    made = {}
    for device in dict.fromkeys(("cpu", setting.device)):
        target = setting.folder / f"{method}-{device}.nii.gz"
        settings = study | {"compute": study["compute"] | {"device": device, "threads": 1}}
        requested = request(settings, truths(setting)[0], target, n=1, method=method, weights=weights, **options)
        zoom(requested, settings, print)
        made[device] = volume.read_scan(target).data
        assert np.isfinite(made[device]).all(), f"{target}: not finite"
    off = np.abs(made[setting.device] - made["cpu"]).mean() / np.ptp(made["cpu"])
    assert off <= ZOOM, f"voxels differ by {off:.1e} of the grey scale on average; at most {ZOOM:g}"
    return f"voxels differ by {off:.1e} of the grey scale on average"


def study(setting: Setting) -> str:
    """The smoke study's phantoms: all of ours, Quartet and linear, two folds, with several jobs at a time on one
    device."""
    import pandas as pd

    results = setting.folder / "study"
    data = setting.folder / "data"
    for trunk in filter(None, map(setting.trunk, ("alex", "vgg"))):
        (data / "trunks").mkdir(parents=True, exist_ok=True)
        shutil.copy(trunk, data / "trunks")
    plain = [name for name, block in config()["networks"].items() if not _has_trunk(setting, block["training"])]
    off = ", ".join(f"{name}: {{training: {{perceptual_weight: 0}}}}" for name in plain)
    scored = setting.trunk("alex") is not None
    command = [
        *(sys.executable, "-m", "snakemake", "--configfile", "config/smoke.yaml", "--cores", str(setting.cores)),
        *(
            "--nolock",
            "--scheduler",
            "greedy",
            "--rerun-triggers",
            "mtime",
            "--config",
            f"results={results}",
            f"data={data}",
        ),
        f"study={{cohorts: [toy], methods: [{', '.join(STUDIED)}]}}",
        f"compute={{device: {setting.device}, threads: 1, jobs_per_gpu: {setting.share}}}",
        *([f"networks={{{off}}}"] if off else []),
        *("--resources", f"local_gpu={1000 if setting.device == 'cuda' else 1000000}"),
        "--",
        *(["scores"] if scored else [f"{results}/restored/toy/fold{fold}/{m}" for fold, m in _restored()]),
    ]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "workflow"), os.environ.get("PYTHONPATH", "")])
    with open(setting.folder / "study.log", "w") as log:
        running = subprocess.Popen(
            command, cwd=ROOT, stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
        )
        signal.signal(signal.SIGTERM, lambda *_: (running.terminate(), sys.exit(1)))
        code = running.wait()
    text = (setting.folder / "study.log").read_text()
    assert code == 0, f"snakemake ended with {code}:\n{text[-6000:]}"
    together = overlapping(results)
    logs = [path.read_text() for path in (results / "logs" / "train").rglob("*.log")]
    assert all(setting.device in text for text in logs), "a training did not run on the device"
    assert together > 1 or setting.share == 1, "no two trainings ran at once"
    numbers = ""
    if scored:
        tables = [pd.read_csv(path) for path in (results / "scores").rglob("*.csv")]
        assert all(table.query("signal")["ssim"].notna().all() for table in tables)
        numbers = f", {len(tables)} score sheets"
    return f"{len(logs)} trainings, at most {together} at once{numbers}"


def overlapping(results: Path) -> int:
    """The most trainings that ran at once, from when their weights were written and how long they took."""
    events = []
    for path in (results / "benchmarks" / "train").rglob("*.tsv"):
        seconds = float(path.read_text().splitlines()[1].split("\t")[0])
        weights = results / "models" / path.relative_to(results / "benchmarks" / "train").with_suffix(".safetensors")
        end = weights.stat().st_mtime
        events += [(end - seconds, 1), (end, -1)]
    running, most = 0, 0
    for _, change in sorted(events):
        running += change
        most = max(most, running)
    return most


def _restored() -> list[tuple[int, str]]:
    methods = config()["methods"]
    return [(fold, name) for name in STUDIED for fold in ([1, 2] if methods[name]["networks"] else [0])]


def _has_trunk(setting: Setting, training: dict[str, Any]) -> bool:
    return not training.get("perceptual_weight") or setting.trunk(training.get("perceptual_net", "vgg")) is not None
