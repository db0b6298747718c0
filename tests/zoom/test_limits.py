"""Requests for more memory than allowed are refused before memory is used; accepted requests stay within the limit."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import yaml
from configs import merged
from safetensors_parts import read_parts, write_parts
from zoom_scans import thick

SCRIPT = """
import resource, subprocess, sys
from pathlib import Path
code = '''
import sys
from pathlib import Path
from benchmark import config
config.CONFIG = Path(sys.argv[1])
from zoom.cli import main
sys.exit(main(sys.argv[2:]))
'''
ran = subprocess.run([sys.executable, "-c", code, *sys.argv[1:]], timeout=120)
print(ran.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def run_measured(config: dict, folder: Path, *words: object) -> tuple[int, str, int]:
    """Exit code, last line of output and peak memory (bytes) of the command in a separate process."""
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    given = [*words, "-o", folder / "o.nii", "--overwrite", "--threads", 1]
    ran = subprocess.run([sys.executable, "-c", SCRIPT, *map(str, [path, *given])], capture_output=True, text=True)
    code, peak = map(int, ran.stdout.split()[-2:])
    return code, ran.stderr.splitlines()[-1], peak


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The most memory (bytes) that a refusal may take: what the command's start takes, mostly for PyTorch (0.3 GB, its
    build for CUDA 0.7 GB), and 0.1 GB."""
    folder = tmp_path_factory.mktemp("refused")
    code, _, peak = run_measured(merged(), folder, folder / "gone.nii", "--n", 1)
    assert code == 1
    return peak + 0.1e9


def noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 500, shape).astype(np.int16)


def compressed_zeros(path: Path, shape: tuple[int, int, int]) -> Path:
    """A scan of zeros, compressed to a thousandth of its size."""
    header = nib.Nifti1Image(np.zeros(shape, np.int16), np.diag([1, 1, 3, 1.0])).header
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    with gzip.open(path, "wb", 6) as file:
        file.write(header.binaryblock + bytes(4))
        for _ in range(shape[2]):
            file.write(bytes(2 * shape[0] * shape[1]))
    return path


@pytest.mark.parametrize("zoom_arguments", [["--n", "999999"], ["--zoom", "500000"], ["--spacing", "0.00001"]])
def test_output_too_large_for_memory_is_refused(
    save: Callable, config: dict, tmp_path: Path, refused: float, zoom_arguments: list[str]
) -> None:
    code, said, peak = run_measured(config, tmp_path, save(thick((20, 24, 60))), *zoom_arguments, "--memory", 1)
    assert code == 1
    assert "GB of memory" in said
    assert peak < refused


def test_scan_of_too_many_slices_is_refused(config: dict, tmp_path: Path, refused: float) -> None:
    path = tmp_path / "long.nii"
    nib.save(nib.Nifti1Image(noise((2, 2, 8000)), np.diag([0.5, 0.5, 1, 1.0])), path)
    code, said, peak = run_measured(config, tmp_path, path, "--n", 1, "--memory", 1)
    assert code == 1
    assert "many slices" in said
    assert peak < refused


def test_decompression_bomb_is_refused(config: dict, tmp_path: Path, refused: float) -> None:
    path = compressed_zeros(tmp_path / "bomb.nii.gz", (8000, 8000, 2))
    assert path.stat().st_size < 0.4e6
    code, said, peak = run_measured(config, tmp_path, path, "--n", 1, "--memory", 1)
    assert code == 1
    assert str(path) in said
    assert peak < refused


@pytest.mark.parametrize("shape", [(1200, 1200, 3), (2, 2, 800)])
def test_accepted_scans_stay_within_the_memory_limit(config: dict, tmp_path: Path, shape: tuple[int, int, int]) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(noise(shape), np.diag([1, 1, 3, 1.0])), path)
    code, said, peak = run_measured(config, tmp_path, path, "--n", 1, "--axis", 2, "--memory", 1)
    assert code == 0, said
    assert peak < 1.05e9


@pytest.mark.parametrize(
    "size", [{"width": 20_000}, {"blocks": 10**9}, {"blocks": 900}, {"width": 10**30}, {"expansion": 10**6}]
)
def test_weights_with_a_false_size_are_refused(
    save: Callable, config: dict, quartets: Path, tmp_path: Path, refused: float, size: dict
) -> None:
    header, tensors = read_parts(quartets / "quartet_full.safetensors")
    about = header["__metadata__"]
    about["size"] = json.dumps(json.loads(about["size"]) | size)
    path = write_parts(tmp_path / "w.safetensors", header, tensors)
    code, said, peak = run_measured(config, tmp_path, save(), "--n", 1, "--weights", path)
    assert code == 1
    assert said.startswith(f"mri-zoom: {path}: ")
    assert peak < refused + 0.2e9


def test_weights_larger_than_memory_are_refused(save: Callable, config: dict, tmp_path: Path, refused: float) -> None:
    path = tmp_path / "w.ckpt"
    with open(path, "wb") as file:
        file.truncate(3 << 30)
    code, said, peak = run_measured(config, tmp_path, save(), "--n", 1, "--weights", path, "--memory", 1)
    assert code == 1
    assert said.startswith(f"mri-zoom: {path}: 3.22 GB of weights")
    assert peak < refused
