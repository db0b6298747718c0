"""The wheel in an empty environment: it holds all its files, and zooms from any folder."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zipfile import ZipFile

import nibabel as nib
import numpy as np
import pytest
from packaging.requirements import Requirement

from benchmark.config import load_config
from zoom.choice import choose

ROOT = Path(__file__).parents[1]
SOURCES = ("models", "workflow", "zoom", "mri_zoom", "config", "profiles", "pyproject.toml", "README.md", "LICENSE")
CLEAN_ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / "tree" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / "tree" / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        folder / "tree",
    ]
    subprocess.run(command, cwd=folder, check=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def base_programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel and what it declares, at the versions installed here."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder / "venv", with_pip=False)
    versions = (f"{d.metadata['Name']}=={d.version}" for d in metadata.distributions() if d.metadata["Name"] != NAME)
    (folder / "constraints.txt").write_text("\n".join(versions))
    programs = folder / "venv" / "bin"
    command = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "-q", "--no-compile"]
    command += ["-c", folder / "constraints.txt", wheel]
    done = subprocess.run(command, env=CLEAN_ENVIRONMENT, capture_output=True, text=True)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("no package index to install the wheel's dependencies from")
    assert done.returncode == 0, done.stderr
    return programs


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to what ``[networks]`` adds, as it is installed here: PyTorch is not fetched again."""
    folder = tmp_path_factory.mktemp("networks")
    for distribution in closure(["torch", "safetensors"]):
        for top in {Path(file).parts[0] for file in distribution.files or () if Path(file).parts[0] != ".."}:
            link = folder / top
            if top != "__pycache__" and not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))
    return folder


NAME = "zoom-benchmark"


def closure(names: list[str]) -> Iterator[metadata.Distribution]:
    """The distributions and all that they need here."""
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        distribution = metadata.distribution(name)
        yield distribution
        needs = map(Requirement, distribution.requires or ())
        names += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (40, 36, 9)), indexing="ij"))
    data = 900 * np.exp(-2 * (grid**2).sum(0)) * (1.2 + np.sin(9 * grid[0]))
    nib.save(nib.Nifti1Image(data.astype(np.int16), np.diag([1.0, 1.0, 4.0, 1.0])), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def zoomed(programs: Path, scan: Path, *words: str, **environment: str) -> tuple[subprocess.CompletedProcess, Path]:
    """``mri-zoom`` on the scan, from the scan's folder."""
    command = [programs / "mri-zoom", scan.name, "--spacing", "1", "-o", "out.nii.gz", *words]
    done = subprocess.run(
        command,
        cwd=scan.parent,
        env=CLEAN_ENVIRONMENT | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
    )
    return done, scan.with_name("out.nii.gz")


def test_wheel_contains_packages_and_data_and_nothing_else(wheel: Path) -> None:
    held = set(ZipFile(wheel).namelist())
    packages = {name.split("/")[0] for name in held if not name.startswith("zoom_benchmark-")}
    assert packages == {"benchmark", "models", "mri_zoom", "zoom"}
    assert {f"{package}/py.typed" for package in packages} <= held
    needed = {
        *(f"models/weights/{path.name}" for path in (ROOT / "models" / "weights").iterdir()),
        *(f"zoom/{path.name}" for path in (ROOT / "zoom").glob("*.html")),
        *(f"benchmark/shipped/config/paper/{path.name}" for path in (ROOT / "config" / "paper").glob("*.csv")),
        "benchmark/shipped/config/config.yaml",
        "benchmark/shipped/workflow/schemas/config.schema.yaml",
        "benchmark/shipped/profiles/slurm/site.yaml",
    }
    assert needed <= held
    code = {path.relative_to(ROOT / "workflow" / "benchmark") for path in (ROOT / "workflow" / "benchmark").rglob("*")}
    data = {f"benchmark/{path.as_posix()}" for path in code if path.suffix not in ("", ".py", ".pyc", ".md")}
    assert data <= held, "a file of workflow/benchmark that pyproject.toml does not name under package-data"
    assert not [name for name in held if "test" in name.split("/")[0] or name.endswith((".pyc", ".smk"))]


def test_without_pytorch_zoom_interpolates_and_names_the_extra(base_programs: Path, scan: Path) -> None:
    done, out = zoomed(base_programs, scan, "--viewer")
    assert done.returncode == 0, done.stderr
    assert "niivue" in out.with_name("out_view.html").read_text()
    (note,) = [line for line in done.stderr.splitlines() if "PyTorch" in line]
    assert "pip install '.[networks]'" in note
    about = json.loads(out.with_name("out.json").read_text())
    assert about["Zoom"]["Method"] == "spline"
    assert any("PyTorch" in warning for warning in about["Zoom"]["ScanWarnings"])
    assert "PyTorch" in out.with_name("out.html").read_text()
    assert nib.load(out).shape == (40, 36, 33)


@pytest.mark.parametrize("words", [["--method", "slab"], ["--weights", "some.safetensors"], ["--method", "copy"]])
def test_without_pytorch_networks_are_refused_in_one_line(base_programs: Path, scan: Path, words: list[str]) -> None:
    done, out = zoomed(base_programs, scan, *words)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "pip install '.[networks]'" in done.stderr
    assert not out.exists()


@pytest.mark.parametrize("in_plane", [1, 4])
def test_with_pytorch_shipped_weights_are_used(base_programs: Path, networks: Path, scan: Path, in_plane: int) -> None:
    done, out = zoomed(base_programs, scan, "--in-plane", str(in_plane), PYTHONPATH=str(networks))
    assert done.returncode == 0, done.stderr
    about = json.loads(out.with_name("out.json").read_text())["Zoom"]
    chosen = choose(load_config(), None, [], in_plane=in_plane)
    assert about["Method"] == chosen.key
    held = base_programs.parent / shipped_below(base_programs)
    assert [file["File"] for file in about["Weights"]] == [str(held / file.path.name) for file in chosen.weights]
    if in_plane == 1:
        assert about["Weights"]


def shipped_below(programs: Path) -> str:
    (site,) = (programs.parent / "lib").glob("python*/site-packages")
    return str(site.relative_to(programs.parent) / "models" / "weights")


def test_every_command_starts_without_extras(base_programs: Path, tmp_path: Path) -> None:
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]:
        done = subprocess.run(
            [base_programs / name, "--help"], cwd=tmp_path, env=CLEAN_ENVIRONMENT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"usage: {name} ")


def test_python_api_works_without_extras(base_programs: Path, scan: Path) -> None:
    code = "import sys; from mri_zoom import zoom; print(zoom('scan.nii.gz', n=1).shape, 'torch' in sys.modules)"
    done = subprocess.run(
        [base_programs / "python", "-c", code], cwd=scan.parent, env=CLEAN_ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "(40, 36, 17) False", done.stderr


def test_installed_version_is_the_projects_without_a_commit(base_programs: Path, tmp_path: Path) -> None:
    code = "from benchmark import project; print(project.clone(), project.release())"
    done = subprocess.run(
        [base_programs / "python", "-c", code], cwd=ROOT, env=CLEAN_ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout.split() == ["None", metadata.version(NAME)]
