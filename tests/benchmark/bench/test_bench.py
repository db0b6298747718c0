"""The bench at the smoke study's size: that it measures what it says, not what comes out."""

import time

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.bench import __main__, cpu, gpu, learning, plain, restoring, startup, study
from benchmark.bench.limit import counted, matrix_rate
from benchmark.bench.race import race

CPU = torch.device("cpu")


def test_a_race_is_run_in_turn_and_told_as_a_ratio():
    order = []

    def call(name: str, seconds: float):
        return lambda: (order.append(name), time.sleep(seconds))

    raced = race(call("fast", 0.01), call("plain", 0.03), rounds=3, warm_up=False)
    assert order == ["fast", "plain", "plain", "fast", "fast", "plain"]
    assert 0.01 <= raced.fast < raced.plain
    assert 1.5 < raced.ratio < 4
    alone = race(call("fast", 0), None, rounds=1)
    assert np.isnan(alone.ratio)


def test_memory_is_what_a_call_adds():
    def hungry() -> None:
        np.ones(40_000_000 // 8).sum()

    raced = race(hungry, lambda: None, rounds=1)
    assert np.isnan(raced.fast_mb) or 35 < raced.fast_mb < 60
    assert np.isnan(raced.plain_mb) or raced.plain_mb < 10


def test_limit():
    assert counted(lambda: torch.rand(8, 16) @ torch.rand(16, 4)) == 2 * 8 * 16 * 4
    assert matrix_rate(CPU, torch.float32, 128, rounds=1) > 1e8


def test_plain_and_fast_are_the_same_networks():
    config = study.config("smoke")
    fast, slow = (study.networks(config, CPU, kind) for kind in (True, False))
    for name, network in slow.items():
        for key, value in network.state_dict().items():
            assert torch.equal(fast[name].state_dict()[key], value)
    low = torch.from_numpy(study.noise(3, 8))[:, None]
    assert plain.restore(slow, low, steps=2).shape == (5, 1, 32, 32)


def test_the_whole_bench(tmp_path, trunks, monkeypatch):
    monkeypatch.setattr(study, "trunk", lambda config: trunks["alex"])
    monkeypatch.setattr(restoring, "CHUNK", 3)
    monkeypatch.setattr(learning, "NETWORKS", ("ldm", "edsr"))
    lines: list[str] = []
    text = cpu.run(tmp_path, lines.append, name="smoke", side=32, planning=False)
    frame = pd.read_csv(tmp_path / "bench.csv")
    assert len(frame) == len(lines)
    assert {"sampling", "decoding", "EDSR", "training, ldm"} <= set(frame["part"])
    assert (frame["fast_ms"] > 0).all()
    assert (frame["plain_ms"] > 0).all()
    assert frame.loc[frame["part"] == "sampling", "of_limit"].between(0, 5).all()
    assert text == (tmp_path / "bench.md").read_text()
    assert "GFLOP/s" in text


def test_the_bench_of_a_gpu_runs_its_course_on_a_small_study(tmp_path, monkeypatch):
    monkeypatch.setattr("models.method.compile_costly", lambda network: network)
    monkeypatch.setattr("models.fast.compile_costly", lambda network, **options: network)
    size = gpu.Size(slices=5, side=32, chunk=4, steps=3, many=2, trained=1, matrix=64)
    text = gpu.run(tmp_path, lambda line: None, device="cpu", name="smoke", size=size)
    frame = pd.read_csv(tmp_path / "bench_gpu.csv")
    assert len(frame) == 1 + 3 * 3 + 3
    assert (frame["seconds"] > 0).all()
    assert "DDIM, T = 3, n = 1" in text
    assert frame["ratio"].notna().sum() == 1 + 3 * 2 + 3


def test_without_a_gpu_the_bench_of_one_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "there", lambda: False)
    monkeypatch.setattr("sys.argv", ["bench", "--gpu"])
    assert __main__.main() == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "no CUDA device" in shown.err


def test_the_full_studys_cohorts_are_as_the_config_says(tmp_path):
    config = study.config()
    assert startup.plan(config, tmp_path).plain is None
    sheets = {path.stem: path.read_text().splitlines() for path in (tmp_path / "results" / "cohorts").glob("*.tsv")}
    assert set(sheets) == set(config["study"]["cohorts"])
    assert len(sheets["openneuro"]) == 1 + 85 + 3


@pytest.mark.parametrize("job", startup.JOBS)
def test_what_a_job_imports_is_there(job):
    import importlib.util

    assert all(importlib.util.find_spec(module) for module in startup.JOBS[job])
