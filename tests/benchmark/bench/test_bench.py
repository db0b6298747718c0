"""The bench at the smoke study's size: tests of the measurement, not of the measured times."""

import time

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.bench import __main__, cpu, gpu, gpu_sections, learning, plain, restoring, startup, study
from benchmark.bench.limit import counted, matrix_rate
from benchmark.bench.race import race

CPU = torch.device("cpu")


def test_race_alternates_the_calls_and_returns_their_ratio():
    order = []

    def call(name: str, seconds: float):
        return lambda: (order.append(name), time.sleep(seconds))

    raced = race(call("fast", 0.01), call("plain", 0.03), rounds=3, warm_up=False)
    assert order == ["fast", "plain", "plain", "fast", "fast", "plain"]
    assert 0.01 <= raced.fast < raced.plain
    assert 1.5 < raced.ratio < 4
    alone = race(call("fast", 0), None, rounds=1)
    assert np.isnan(alone.ratio)


def test_race_measures_the_memory_that_a_call_adds():
    def hungry() -> None:
        np.ones(40_000_000 // 8).sum()

    raced = race(hungry, lambda: None, rounds=1)
    assert np.isnan(raced.fast_mb) or 35 < raced.fast_mb < 60
    assert np.isnan(raced.plain_mb) or raced.plain_mb < 10


def test_operations_and_matrix_rate_are_measured():
    assert counted(lambda: torch.rand(8, 16) @ torch.rand(16, 4)) == 2 * 8 * 16 * 4
    assert matrix_rate(CPU, torch.float32, 128, rounds=1) > 1e8


def test_plain_and_fast_networks_have_equal_weights():
    config = study.config("smoke")
    fast, slow = (study.networks(config, CPU, kind) for kind in (True, False))
    for name, network in slow.items():
        for key, value in network.state_dict().items():
            assert torch.equal(fast[name].state_dict()[key], value)
    low = torch.from_numpy(study.noise(3, 8))[:, None]
    assert plain.restore(slow, low, steps=2).shape == (5, 1, 32, 32)


def test_every_network_of_the_study_is_timed_once():
    assert sorted(learning.one_of_each_class(study.config())) == [
        "autoencoder", "edsr", "ldm", "quartet", "srgan", "vq", "wdsr",
    ]  # fmt: skip
    config = study.config()
    config["study"]["methods"] = ["quartet_plain", "quartet", "quartet_pair", "slab"]
    assert learning.one_of_each_class(config) == ["quartet_plain", "slab"]


def test_cpu_bench_writes_all_rows(tmp_path, trunks, monkeypatch):
    monkeypatch.setattr(study, "trunk", lambda config: trunks["alex"])
    monkeypatch.setattr(restoring, "CHUNK", 3)
    monkeypatch.setattr(learning, "one_of_each_class", lambda config: ["ldm", "edsr"])
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


def test_gpu_bench_writes_all_sections_in_a_dry_run(tmp_path):
    lines: list[str] = []
    text = gpu.run(tmp_path, lines.append, dry=True)
    rows, kernels = pd.read_csv(tmp_path / "bench_gpu.csv"), pd.read_csv(tmp_path / "bench_gpu_kernels.csv")
    assert text == (tmp_path / "bench_gpu.md").read_text()
    assert "Failed" not in text
    assert (rows["measured"] > 0).all()
    assert (rows["limit"] > 0).all()
    assert (rows["first_call_s"] > 0).all()
    expected = {"U-Net, a step of 5", "decoding", "EDSR", "DDIM-3, n = 1", "training, VQ, batch 16: a step"}
    assert expected <= set(rows["what"])
    assert {"U-Net step, compiled", "decoding 5 slices, compiled"} <= set(kernels["of"])
    assert (kernels.groupby("of")["share"].sum() <= 1.001).all()
    assert [line.split("]")[0][1:] for line in lines if line.startswith("[")] == list(gpu_sections.SECTIONS)


def test_failing_section_is_reported_and_the_next_one_runs(tmp_path, monkeypatch):
    def failing(bench: gpu.Bench) -> None:
        raise RuntimeError("no such kernel")

    def working(bench: gpu.Bench) -> None:
        bench.add("a task", "in one way", 2.0, "ms", flop=bench.rate / 1000, aim="3")

    sections = {"first": (failing, 1), "second": (working, 1), "third": (working, 1)}
    monkeypatch.setattr(gpu_sections, "SECTIONS", sections)
    lines: list[str] = []
    text = gpu.run(tmp_path, lines.append, dry=True, only=["first", "second"])
    assert "no such kernel" in "\n".join(lines)
    assert "Failed: first." in text
    rows = pd.read_csv(tmp_path / "bench_gpu.csv")
    assert rows[["what", "measured", "limit", "of_limit", "aim"]].values.tolist() == [["a task", 2, 1, 0.5, 3]]


def test_section_that_takes_too_long_is_stopped():
    with pytest.raises(TimeoutError, match="over"), gpu._at_most(0.05):
        time.sleep(5)
    time.sleep(0.1)  # no alarm is left


def test_device_that_another_process_uses_is_reported():
    lines: list[str] = []
    bench = gpu.Bench({}, CPU, gpu.DRY, lines.append, copying=1.0)
    assert bench.alone()
    bench.copying = 1e30
    assert not bench.alone()
    assert "shared" in lines[0]


def test_gpu_bench_without_a_gpu_is_refused_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "there", lambda: False)
    monkeypatch.setattr("sys.argv", ["bench", "--gpu"])
    assert __main__.main() == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "no CUDA device" in shown.err


def test_planned_cohort_sheets_have_the_configured_sizes(tmp_path):
    config = study.config()
    assert startup.plan(config, tmp_path).plain is None
    sheets = {path.stem: path.read_text().splitlines() for path in (tmp_path / "results" / "cohorts").glob("*.tsv")}
    assert set(sheets) == set(config["study"]["cohorts"])
    assert len(sheets["openneuro"]) == 1 + 85 + 3


@pytest.mark.parametrize("job", startup.JOBS)
def test_modules_imported_by_a_job_exist(job):
    import importlib.util

    assert all(importlib.util.find_spec(module) for module in startup.JOBS[job])
