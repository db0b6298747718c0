"""When a compilation pays."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models import compiling, weights

GPU = torch.device("cuda")


@pytest.fixture
def compilation_possible_on_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "possible", lambda device: device.type == "cuda")


@pytest.mark.usefixtures("compilation_possible_on_cuda")
def test_compilation_pays_only_for_much_work_on_a_gpu() -> None:
    assert compiling.restoring_pays(GPU, slices=20 * 155, steps=200, side=64)
    assert not compiling.restoring_pays(GPU, slices=155, steps=5, side=64)  # one volume by `sampler: fast`
    assert not compiling.restoring_pays(GPU, slices=20 * 155, steps=200, side=8)  # small slices
    assert not compiling.restoring_pays(GPU, slices=10**6, steps=0, side=64)  # no diffusion
    assert not compiling.restoring_pays(torch.device("cpu"), slices=10**6, steps=200, side=64)
    assert compiling.training_pays(GPU, 100_000)
    assert not compiling.training_pays(GPU, 500)
    assert not compiling.training_pays(torch.device("cpu"), 100_000)


def test_smaller_last_part_is_not_compiled() -> None:
    sizes = []

    def backend(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., object]:
        def run(*given: torch.Tensor) -> object:
            sizes.extend(len(one) for one in given if one.shape[1:] == (1, 8, 8))
            return graph.forward(*given)

        return run

    network = compiling.compile_costly(weights.network("edsr", {"blocks": 1, "width": 4}), mode=None, backend=backend)
    slices = torch.rand(40, 1, 8, 8)
    made = [network(slices[part]) for part in compiling.in_parts(40, 16)]
    assert [len(part) for part in made] == [16, 16, 8]
    assert sizes == [16, 16]


def test_compilation_is_impossible_on_a_cpu_or_without_a_c_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not compiling.possible(torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("CC", "cc")
    monkeypatch.setattr(compiling.sysconfig, "get_path", lambda *names: str(tmp_path))
    assert not compiling.possible(GPU)  # Python without its header files
    (tmp_path / "Python.h").touch()
    assert compiling.possible(GPU)
    monkeypatch.delenv("CC")
    monkeypatch.setattr(compiling.shutil, "which", lambda name: None)
    assert not compiling.possible(GPU)
