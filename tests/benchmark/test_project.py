"""Version, commit and folders of the project, in a clone and installed."""

import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from benchmark import project
from benchmark.errors import UserError

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture
def empty_caches():
    def forget() -> None:
        for function in (project.clone, project.version, project.commit):
            function.cache_clear()

    forget()
    yield
    forget()


def test_command_name_equals_the_installed_script() -> None:
    assert next(iter(PYPROJECT["project"]["scripts"])) == project.COMMAND


def test_version_is_equal_in_pyproject_citation_and_changelog() -> None:
    version = PYPROJECT["project"]["version"]
    assert project.version() == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert f"\n## {version} (" in (ROOT / "CHANGELOG.md").read_text()


def test_clone_uses_its_own_config_files() -> None:
    assert project.clone() == ROOT
    assert project.shipped("config/config.yaml") == ROOT / "config" / "config.yaml"


def test_revision_of_a_clone_is_its_commit() -> None:
    described = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    if described.returncode:
        pytest.skip("not a git clone")
    assert project.revision() == described.stdout.strip()
    assert project.release() == f"{project.version()}+{project.revision()}"


def installed_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates a package inside another project's repository, which also holds a pyproject.toml."""
    package = folder / "venv" / "site-packages" / "benchmark"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "a-study"\nversion = "7"\n')
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True)
    monkeypatch.setattr(project, "PACKAGE", package)
    monkeypatch.setattr(project, "INSTALLED", package / "shipped")


def test_revision_inside_another_repository_is_the_version(tmp_path, monkeypatch, empty_caches) -> None:
    installed_in(tmp_path, monkeypatch)
    (project.INSTALLED / "config").mkdir(parents=True)
    monkeypatch.setattr(project.metadata, "version", lambda name: {"zoom-benchmark": "1.2.3"}[name])
    assert project.revision() == project.release() == "1.2.3"
    assert project.shipped("config/config.yaml") == project.INSTALLED / "config" / "config.yaml"


def test_revision_of_a_copy_in_another_repository_is_the_version(tmp_path, monkeypatch, empty_caches) -> None:
    installed_in(tmp_path, monkeypatch)
    copy = tmp_path / "venv"
    (copy / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    assert project.clone() == copy
    assert project.revision() == PYPROJECT["project"]["version"]


def test_copy_without_pyproject_is_refused_in_one_line(tmp_path, monkeypatch, empty_caches) -> None:
    package = tmp_path / "workflow" / "benchmark"
    package.mkdir(parents=True)
    monkeypatch.setattr(project, "PACKAGE", package)
    monkeypatch.setattr(project, "INSTALLED", package / "shipped")
    with pytest.raises(UserError, match=r"benchmark: no folder above it has this project's pyproject\.toml; copy"):
        project.shipped("config/config.yaml")


def test_models_folder_is_found_without_importing_torch() -> None:
    code = "import sys; from benchmark import project; print(project.models()); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == Path(str(files("models")))
