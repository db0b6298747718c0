"""Weights on disk are complete and have the right path."""

from pathlib import Path

import pytest
from torch import nn

from models import weights
from models.checkpoints import load_init

ABOUT = {"network": "x", "size": {}}


def test_saving_weights_does_not_follow_a_symbolic_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    monkeypatch.setattr(weights.secrets, "token_hex", lambda size: "0")  # even if the name is known in advance
    planted = (tmp_path / ".0.w.safetensors", tmp_path / "w.part")
    for link in planted:
        link.symlink_to(kept)
    with pytest.raises(FileExistsError):
        weights.save(tmp_path / "w.safetensors", nn.Linear(2, 2), ABOUT)
    planted[0].unlink()
    weights.save(tmp_path / "w.safetensors", nn.Linear(2, 2), ABOUT)
    assert kept.read_text() == "years of work"
    assert weights.read_metadata(tmp_path / "w.safetensors") == ABOUT
    assert {path.name for path in tmp_path.iterdir()} == {"thesis.txt", "w.part", "w.safetensors"}


def test_weights_that_cannot_be_saved_leave_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").mkdir()
    with pytest.raises(OSError, match="directory"):
        weights.save(tmp_path / "w.safetensors", nn.Linear(2, 2), ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "a git-lfs pointer, .*git lfs pull"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html>Sign in</html>", "a web page, not the file itself"),
        (b"<HTML>404</HTML>", "a web page, not the file itself"),
    ],
)
@pytest.mark.parametrize("name", ["w.safetensors", "w.ckpt"])
def test_git_lfs_pointers_and_web_pages_are_refused_by_kind(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (load_init, weights.load) if name.endswith("safetensors") else (load_init,):
        with pytest.raises(ValueError, match=rf"{path}: {said}") as raised:
            read(path)
        assert "\n" not in str(raised.value)


def test_missing_package_is_not_reported_as_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError("No module named 'lpips'", name="lpips")

    monkeypatch.setattr("models.files.importlib.import_module", fail)
    with pytest.raises(ModuleNotFoundError, match="lpips"):
        weights.network("vq", {})
    with pytest.raises(ModuleNotFoundError, match="lpips"):
        weights.training_of("vq")
