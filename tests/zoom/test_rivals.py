"""Programs of other people next to our methods; a small program of the test's own stands for theirs."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from perceptual_distance import MeanAbsoluteDifference
from truth_scans import ramp
from zoom_scans import OBLIQUE, orientations, stored

from benchmark.errors import UserError
from zoom import process, rivals, truth
from zoom.truth import main, measure

# Interpolates linearly between slices, to `fine` slices in each of the scan's, from `begins` slices on.
PROGRAM = """
import json, os, sys
import nibabel as nib, numpy as np
given = json.loads(sys.argv[1])
image = nib.load(given["input"])
data, axis = np.asarray(image.dataobj, float), int(np.argmax(image.header.get_zooms()))
count, fine, begins = data.shape[axis], given.get("fine", 4), given.get("begins", 0.0)
at = begins + np.arange(int((count - 1 - begins) * fine) + 1 - given.get("short", 0)) / fine
low = np.clip(np.floor(at).astype(int), 0, count - 2)
share = np.expand_dims(at - low, tuple(i for i in range(3) if i != axis))
made = np.take(data, low, axis) * (1 - share) + np.take(data, low + 1, axis) * share
step = np.eye(4)
step[axis, axis], step[axis, 3] = 1 / fine, begins
if given.get("wrong") == "nan":
    made[0] = np.nan
if given.get("wrong") == "coarse":
    made = made[::2]
if given.get("wrong") == "shifted":
    step[0, 3] = 0.5
print("made by", os.environ.get("PYTHONPATH"), flush=True)
nib.save(nib.Nifti1Image(made.astype("f4"), image.affine @ step), given["output"])
"""
Ready = Callable[..., dict[str, Any]]


@pytest.fixture
def program(tmp_path: Path) -> Ready:
    """A rival's block of the config that runs the program with these settings."""
    path = tmp_path / "a program.py"
    path.write_text(PROGRAM)

    def ready(**settings: Any) -> dict[str, Any]:
        words = ", ".join([*(f'"{key}": {value!r}'.replace("'", '"') for key, value in settings.items())])
        given = f'{{{{"input": "{{input}}", "output": "{{output}}"{", " * bool(words)}{words}}}}}'
        block = {"command": f"{sys.executable} '{path}' '{given}'", "output": "{output}"}
        return block | {"profiles": {}, "minutes": 1.0}

    return ready


def with_rival(scan: Path, config: dict, block: dict[str, Any], **how: Any) -> Any:
    return measure(
        scan,
        3,
        {"linear": {"method": "linear"}},
        config,
        MeanAbsoluteDifference(),
        axis=2,
        programs={"theirs": block},
        **how,
    )


def test_program_output_is_scored_like_our_methods(
    config: dict, save: Callable, program: Ready, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "ours")
    table = with_rival(save(ramp((24, 20, 13))), config, program(), logs=tmp_path / "logs").set_index("method")
    assert table["slices"].tolist() == [9, 9]
    assert table["psnr"].min() > 100
    assert (tmp_path / "logs" / "theirs.log").read_text() == "made by None\n"  # our packages are not theirs


@pytest.mark.parametrize("settings", [{"fine": 5}, {"fine": 3, "begins": -0.25}, {"fine": 7, "begins": 0.0}])
def test_program_output_on_another_grid_is_scored(config: dict, save: Callable, program: Ready, settings: dict) -> None:
    assert with_rival(save(ramp((24, 20, 13))), config, program(**settings))["psnr"].min() > 60


def test_scores_do_not_depend_on_the_stored_orientation(config: dict, save: Callable, program: Ready) -> None:
    data = ramp((24, 20, 13)) + np.random.default_rng(3).uniform(0, 5, (24, 20, 13)).astype(np.float32)
    found = []
    for orientation in list(orientations())[::17]:
        scan = save(*stored(data, OBLIQUE, orientation))
        found.append(measure(scan, 3, {}, config, MeanAbsoluteDifference(), programs={"theirs": program()})["psnr"][0])
    np.testing.assert_allclose(found, found[0], atol=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"command": "no-such-program {input}"},
            r"no-such-program cannot be started \(No such file.*docs/zoom.md",
        ),
        ({"command": "./none/such {input}"}, r"/none/such cannot be started"),
        (
            {"command": "sh -c 'echo first; echo why >&2; exit 3'"},
            r"sh failed \(exit code 3\): why \(log: ",
        ),
        ({"command": "sh -c 'kill -9 $$'"}, r"sh failed \(signal 9\): it printed nothing"),
        ({"command": "true"}, r"true ended without error but wrote no output\.nii\.gz; correct output:"),
        ({"command": "true {wher}"}, r"'\{wher\}': no such placeholder \('wher'\); there are .*thickness"),
        ({"command": "true", "output": "{folder}/{"}, r"no such placeholder"),
        ({"command": "true {input.__class__}"}, r"no such placeholder|ended without error"),
        ({"profiles": {"gaussian": "g"}}, r"its profiles lack point; they are gaussian"),
    ],
)
def test_failing_program_is_reported_in_one_line(
    config: dict, save: Callable, program: Ready, change: dict, said: str
) -> None:
    with pytest.raises(UserError, match=rf"^rivals\.theirs.*{said}") as raised:
        with_rival(save(ramp((24, 20, 13))), config, program() | change)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"wrong": "nan"}, "NaN"),
        ({"wrong": "coarse"}, "its output has 10 × 24 voxels.* keep the scan's 20 × 24"),
        ({"wrong": "shifted"}, "up to 0.5 voxels from their places"),
        ({"short": 4}, "extends from 0 to 8 in slices of the truth; it must contain all from 1 to 11"),
    ],
)
def test_incomparable_output_is_reported_in_one_line(
    config: dict, save: Callable, program: Ready, settings: dict, said: str
) -> None:
    with pytest.raises(UserError, match=said) as raised:
        with_rival(save(ramp((24, 20, 13))), config, program(**settings))
    assert "\n" not in str(raised.value)


def test_time_limit_ends_the_program_and_its_children(
    config: dict, save: Callable, program: Ready, tmp_path: Path
) -> None:
    slow = f"sh -c 'sleep 600 & echo $! > {tmp_path}/child; wait'"
    with pytest.raises(UserError, match=r"sh was stopped after 0\.02 minutes; raise minutes"):
        with_rival(save(ramp((24, 20, 13))), config, program() | {"command": slow, "minutes": 0.02})
    wait_for_the_end(int((tmp_path / "child").read_text()))


def test_stop_signal_ends_the_program_and_its_children(config: dict, tmp_path: Path) -> None:
    child = tmp_path / "child"

    def stop() -> None:
        while not (child.exists() and child.read_text().strip()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=stop)
    thread.start()
    words = ["sh", "-c", f"sleep 600 & echo $! > {child}; wait"]
    assert process.run("zoom.truth", lambda: rivals._call("theirs", words, tmp_path, 60, tmp_path / "log") or 0) == 130
    thread.join()
    wait_for_the_end(int(child.read_text()))


def wait_for_the_end(child: int) -> None:
    waited = time.monotonic()
    while "Z" not in process_state(child):
        assert time.monotonic() < waited + 10
        time.sleep(0.05)


def process_state(child: int) -> str:
    try:
        return Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return "Z"


def test_placeholders_are_replaced_in_the_command(tmp_path: Path) -> None:
    task = rivals.Task(tmp_path / "scan.nii.gz", tmp_path, 4, 5.0, 4.0, 0.8, "box", 2, -1)
    block = {
        "command": "echo {n} {spacing} {wanted} {thickness} {relative_thickness} {profile} {threads} {gpu} {data}",
        "output": "{folder}/scan.nii.gz",
        "profiles": {"box": "rect"},
        "minutes": 1,
    }
    (tmp_path / "scan.nii.gz").write_bytes(b"")
    assert rivals.run("echo", block, task, "data", tmp_path / "log") == tmp_path / "scan.nii.gz"
    assert (tmp_path / "log").read_text().split() == [
        "4",
        "5",
        "1",
        "4",
        "5",
        "rect",
        "2",
        "-1",
        os.path.abspath("data"),
    ]


def test_rivals_option_runs_a_program_by_name(
    config: dict,
    set_command_config: Callable[[dict], None],
    save: Callable,
    program: Ready,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
) -> None:
    monkeypatch.setattr(truth, "_perceptual", lambda trunk: MeanAbsoluteDifference())
    set_command_config(config | {"rivals": {"theirs": program()}})
    words = [
        str(save(ramp((24, 20, 13)))),
        "--axis",
        "2",
        "--n",
        "3",
        "--methods",
        "linear",
        "-o",
        str(tmp_path / "table.tsv"),
    ]
    assert main([*words, "--rivals", "theirs"]) == 0
    assert "theirs" in (tmp_path / "table.tsv").read_text()
    assert (tmp_path / "theirs.log").exists()
    assert main([*words, "--rivals", "their"]) == 1
    assert "'their' is not a key of rivals in the config; did you mean 'theirs'?" in capsys.readouterr().err
    assert main([*words, "--rivals", "theirs", "--in-plane", "4"]) == 1
    assert "only at in-plane 1" in capsys.readouterr().err
