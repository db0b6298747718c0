"""``make gpu-test`` dry on the CPU: its checks pass and fail as they should, and never stop other checks."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import other_checks
import pytest
import restoring_checks
import torch
import training_checks
from board import CUT, FAILED, OK, SKIPPED, Board, Outcome
from crew import Crew
from groups import groups
from safetensors.torch import load_file, save_file
from setting import Check, Setting, Skipped, config, truths
from worker import run

from models.training.data import SliceBank

HERE = Path(__file__).parent


def gpu_test(tmp_path: Path, *arguments: str) -> tuple[subprocess.CompletedProcess, list[dict]]:
    """Runs the command and returns the content of its file."""
    output = tmp_path / "out" / "gpu_test.md"
    command = [sys.executable, str(HERE), "--device", "cpu", "--eager", "--output", str(output), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    lines = output.with_suffix(".jsonl").read_text().splitlines() if output.exists() else []
    return done, [json.loads(line) for line in lines]


def test_gpu_test_runs_groups_and_writes_a_table(tmp_path: Path) -> None:
    done, outcomes = gpu_test(tmp_path, "--minutes", "6", "--only", "train-wdsr", "controls", "--trunks", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    states = {one["check"]: one["state"] for one in outcomes}
    assert set(states.values()) == {OK}, done.stdout
    assert len(states) == 3 + 2 * len(restoring_checks.families()["controls"])
    assert all(f" ok       {name} (" in done.stdout for name in states)
    table = (tmp_path / "out" / "gpu_test.md").read_text()
    assert all(f"| {name} | ok |" in table for name in states)


def test_checks_beyond_the_time_limit_are_skipped_with_a_reason(tmp_path: Path) -> None:
    began = time.monotonic()
    done, outcomes = gpu_test(tmp_path, "--minutes", "0.3", "--only", "train-vq", "study")
    assert time.monotonic() - began < 60
    assert {one["state"] for one in outcomes} <= {SKIPPED, CUT}
    assert any("are left and it takes about" in one["detail"] or "not begun" in one["detail"] for one in outcomes)
    assert "0 ok" in done.stdout


def test_gpu_test_without_a_gpu_is_refused_in_one_line() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    done = subprocess.run([sys.executable, str(HERE)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        "gpu-test: no CUDA device was found; run it on a machine with one (--device cpu: a dry run)"
    ]


@pytest.mark.parametrize("target", ["gpu-test", "bench-gpu"])
def test_target_with_an_interpreter_installs_nothing(target: str) -> None:
    """A machine with a GPU may have no network."""
    command = ["make", "-C", str(HERE.parents[1]), "--dry-run", target, "PYTHON=python-with-packages"]
    lines = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "python-with-packages" in lines
    assert "pip" not in lines


def test_every_network_and_method_of_the_config_has_checks() -> None:
    names = {check.name for checks in groups(compiled=True).values() for check in checks}
    kinds = {block.get("class", name) for name, block in config()["networks"].items()}
    assert kinds <= {config()["networks"][name].get("class", name) for name in training_checks.networks()}
    assert all(f"restore {name}: {way}" in names for name in config()["methods"] for way in ("float32", "float16"))
    assert all(f"train {name}: float32, losses as on the CPU" in names for name in training_checks.networks())
    assert all(f"train {name}: compiled, bf16-mixed" in names for name in training_checks.compiling())
    assert {config()["networks"][name].get("class", name) for name in training_checks.compiling()} == kinds
    assert {"memory", "study", "zoom", "scores"} == set(list(groups(compiled=True))[:4])  # not skipped for lack of time
    compiled = {name.removeprefix("restore ").partition(":")[0] for name in names if "float16, compiled" in name}
    assert {"ours", "bicubic_ae", "srgan", "wdsr", "quartet", "quartet_full"} <= compiled


def test_failure_has_a_traceback_and_a_skip_a_reason(tmp_path: Path) -> None:
    def fails(_: Setting) -> str:
        raise RuntimeError("no kernel image\nis available")

    def skips(_: Setting) -> str:
        raise Skipped("no trunk")

    setting = Setting("cpu", tmp_path)
    failed = run(Check("a", fails, 1), setting, 10)
    assert (failed.state, failed.detail) == (FAILED, "RuntimeError: no kernel image")
    assert "in fails" in failed.traceback
    assert run(Check("b", skips, 1), setting, 10).detail == "no trunk"
    late = run(Check("c", fails, 30), setting, 10)
    assert (late.state, late.detail) == (SKIPPED, "10 s are left and it takes about 30")
    lines: list[str] = []
    board = Board(tmp_path / "x.md", "title", lines.append)
    board.add(failed)
    assert "in fails" in lines[-1]
    assert "in fails" in board.output.read_text()


@pytest.mark.parametrize(("end", "state"), [("os.abort()", FAILED), ("time.sleep(60)", CUT)])
def test_process_that_dies_or_hangs_is_one_failed_check(tmp_path, monkeypatch, end: str, state: str) -> None:
    worker = tmp_path / "worker.py"
    begins = json.dumps({"begins": "second"})
    first = json.dumps(Outcome("first", OK).__dict__)
    worker.write_text(
        f"import os, sys, time\nprint('@@ ' + {first!r})\nprint('@@ ' + {begins!r}, flush=True)\n"
        f"print('a last word', file=sys.stderr, flush=True)\n{end}\n"
    )
    monkeypatch.setattr("crew.WORKER", worker)
    board = Board(tmp_path / "x.md", "title", lambda line: None)
    checks = [Check(name, lambda setting: "", 1) for name in ("first", "second", "third")]
    Crew(board, tmp_path, time.time() + 11, []).run({"group": checks}, 1)
    assert [(one.check, one.state) for one in board.outcomes] == [("first", OK), ("second", state), ("third", SKIPPED)]
    assert "a last word" in board.outcomes[1].traceback


def test_training_check_finds_other_losses_and_weights(tmp_path: Path) -> None:
    """The checks of a training pass only if the compared values are equal."""
    setting = Setting("cpu", tmp_path)
    made = training_checks.trained("wdsr", setting, "a", steps=training_checks.STEPS)
    start = training_checks.trained("wdsr", setting, "start", steps=1)
    log = made.with_suffix(".csv")
    text = log.read_text()
    training_checks.compare(made, made, 0.0)
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / made.name
    weights = load_file(made)
    save_file({key: value + 0.001 * value.abs().mean() for key, value in weights.items()}, other)
    other.with_suffix(".csv").write_text(text)
    assert training_checks.equal(made, made, start) == "bit for bit"
    with pytest.raises(AssertionError, match="of how far they moved"):
        training_checks.equal(other, made, start)
    rows = [line.split(",") for line in text.splitlines()]
    column = rows[0].index("network_loss")
    for row in rows[1:]:
        row[column] = str(float(row[column]) * 1.05)
    other.with_suffix(".csv").write_text("\n".join(",".join(row) for row in rows) + "\n")
    with pytest.raises(AssertionError, match="first losses differ"):
        training_checks.compare(other, made, 0.02)


def test_restoring_check_finds_other_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = restoring_checks.restored
    setting = Setting("cpu", tmp_path)
    restoring_checks.like_the_cpu("linear", setting, "float32")
    monkeypatch.setattr(restoring_checks, "restored", lambda *given, **ways: real(*given, **ways) + np.float32(0.01))
    with pytest.raises(AssertionError, match=r"pixels differ by 1\.0e-02"):
        restoring_checks.like_the_cpu("linear", setting, "float32")


@pytest.mark.parametrize("family", ["autoencoder", "srgan", "vq"])
def test_restoring_check_would_find_another_patient(family: str, tmp_path: Path, monkeypatch) -> None:
    """The result depends on the input by more than the check lets pass, although the networks are untrained."""
    name = restoring_checks.families()[family][0]
    setting = Setting("cpu", tmp_path)
    one = restoring_checks.restored(name, setting, "cpu")
    monkeypatch.setattr(restoring_checks, "truths", lambda setting: truths(setting)[1:])
    other = restoring_checks.restored(name, setting, "cpu")
    assert np.abs(one - other).mean() > 2 * max(restoring_checks.MEAN.values())


@pytest.mark.parametrize("name", ["ldm", "vq", "edsr"])
def test_memory_check_trains_by_the_shipped_config(name: str, tmp_path: Path) -> None:
    """Everything but the comparison of the memory; these networks have the config's lengths in epochs and steps."""
    with pytest.raises(Skipped, match="memory of a GPU"):
        other_checks.peak(Setting("cpu", tmp_path), name)


def test_mixed_precision_training_gets_float32_slices(tmp_path: Path, monkeypatch) -> None:
    """Lightning rounds a module's input to bfloat16, which has 8 bits: the targets would be rounded too."""
    from models.networks.wdsr import Training

    seen: list[torch.Tensor] = []
    forward = Training.forward

    def watched(self, phase, batch, step):
        seen.append(batch)
        return forward(self, phase, batch, step)

    drawn: list[torch.Tensor] = []
    batch = SliceBank.batch

    def drawing(self, size):
        drawn.append(batch(self, size))
        return drawn[-1]

    monkeypatch.setattr(Training, "forward", watched)
    monkeypatch.setattr(SliceBank, "batch", drawing)
    training_checks.trained("wdsr", Setting("cpu", tmp_path), "mixed", steps=1, precision="bf16-mixed")
    assert seen[0].dtype == torch.float32
    assert torch.equal(seen[0], drawn[0])
