"""Finds operations that a GPU would refuse, without a GPU: every training, restoration and a zoom on a pretended
device."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import other_checks
import pytest
import restoring_checks
import torch
import training_checks
from pretend_cuda import DEVICE, NotOnCuda, PretendCuda, mark, on_card
from setting import Setting, config, random_weights, truths

from models.training.data import SliceBank

CODES = 1e-3
"""Mean difference of the pixels: for a GPU the last bits differ, and near ties of codes fall otherwise."""


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, trunks: dict[str, Path]) -> Setting:
    """A setting with the pretended device."""
    import models.sampling
    import models.streaming
    from benchmark.jobs import training
    from models.training import loop

    start = loop.start_fabric

    def fabric(device: str = "auto", devices: int = 1, precision: str = "32-true"):
        started = start("cpu", devices, precision)
        if device == "cuda":
            started.strategy._root_device = DEVICE
            started._accelerator.setup_device = lambda device: None
        return started

    monkeypatch.setattr(training, "start_fabric", fabric)
    # other threads do not pretend
    monkeypatch.setattr(models.sampling, "ahead", lambda items: items)
    monkeypatch.setattr(models.sampling, "_drawn_by_threads", models.sampling._drawn)
    monkeypatch.setattr(models.streaming, "ahead", lambda items: items)
    monkeypatch.setattr(torch.cuda, "Event", lambda: SimpleNamespace(record=lambda: None, synchronize=lambda: None))
    copied = torch.nn.Parameter.__deepcopy__

    def deepcopy(parameter: torch.nn.Parameter, memo: dict) -> torch.nn.Parameter:
        made = copied(parameter, memo)  # by a constructor that the mode does not see
        mark(made, on_card(parameter))
        return made

    monkeypatch.setattr(torch.nn.Parameter, "__deepcopy__", deepcopy)
    for name in ("synchronize", "reset_peak_memory_stats"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: None)
    event = SimpleNamespace(record=lambda: None, synchronize=lambda: None)
    monkeypatch.setattr(torch.cuda, "Event", lambda: event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: SimpleNamespace(synchronize=lambda: None))
    # PyTorch's build for CUDA has Triton, and without a GPU fails when asked for one
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (9, 0))
    for name in ("memory_allocated", "max_memory_allocated"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: 0)
    return Setting("cuda", tmp_path, trunks["alex"].parent)


@pytest.mark.filterwarnings("ignore:.*CUDA:UserWarning")
@pytest.mark.parametrize("name", training_checks.networks())
def test_training_uses_only_operations_of_a_gpu(name: str, card: Setting, capsys: pytest.CaptureFixture) -> None:
    random_weights(card, list(config()["networks"][name]["needs"]))
    truths(card)
    expected = training_checks.trained(name, Setting("cpu", card.folder, card.trunks), "cpu", steps=4)
    with PretendCuda():
        made = training_checks.trained(name, card, "card", steps=4)
    assert "slices, cuda:0" in capsys.readouterr().out
    assert training_checks.compare(made, expected, 0.01)


@pytest.mark.filterwarnings("ignore:.*CUDA:UserWarning")
@pytest.mark.parametrize("name", ["ldm", "quartet", "slab"])
def test_resumed_training_uses_only_operations_of_a_gpu(name: str, card: Setting) -> None:
    random_weights(card, list(config()["networks"][name]["needs"]))
    truths(card)
    card.kept["start"] = training_checks.trained(name, Setting("cpu", card.folder, card.trunks), "cpu", steps=1)
    with PretendCuda():
        card.kept["float32"] = training_checks.trained(name, card, "float32")
        assert training_checks.resumed(name, card) == "bit for bit"


@pytest.mark.filterwarnings("ignore:.*CUDA:UserWarning")
@pytest.mark.parametrize("name", config()["methods"])
def test_restoration_uses_only_operations_of_a_gpu(name: str, card: Setting) -> None:
    expected = restoring_checks.restored(name, card, "cpu")
    with PretendCuda():
        made = restoring_checks.restored(name, card, "cuda")
    assert np.abs(made - expected).mean() < CODES


@pytest.mark.filterwarnings("ignore:.*CUDA:UserWarning")
@pytest.mark.parametrize("sampler", restoring_checks.SAMPLERS)
def test_sampler_uses_only_operations_of_a_gpu(sampler: str, card: Setting) -> None:
    sampling = restoring_checks.SAMPLERS[sampler]
    expected = restoring_checks.restored("ours_no_edsr", card, "cpu", sampling)
    with PretendCuda():
        made = restoring_checks.restored("ours_no_edsr", card, "cuda", sampling)
    assert np.abs(made - expected).mean() < CODES


@pytest.mark.filterwarnings("ignore:.*CUDA:UserWarning")
@pytest.mark.parametrize(("method", "networks"), [("quartet_full", ["quartet_full"]), ("ours", ["vq", "ldm", "edsr"])])
def test_zoom_uses_only_operations_of_a_gpu(
    method: str, networks: list[str], card: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    random_weights(card, networks)
    truths(card)
    with PretendCuda():
        assert "differ" in other_checks.zoomed(card, method, networks)


def test_unsigned_16_bit_slices_on_a_gpu_are_refused() -> None:
    """The fault that kept every training from a GPU."""
    bank = SliceBank([np.full((4, 8, 8), 0.75, np.float32)])
    with PretendCuda():
        bank.slices = bank.slices.to("cuda")
        assert on_card(bank.take(torch.arange(2)))
        bank.slices = bank.slices.view(torch.uint16)
        with pytest.raises(NotOnCuda, match="unsigned"):
            bank.take(torch.arange(2))


def refused_operations() -> dict[str, Callable[[torch.Tensor, torch.Tensor], object]]:
    """Operations that a GPU refuses for a tensor on the GPU and a tensor on the CPU."""
    return {
        "both devices": lambda card, cpu: card + cpu,
        "a mask on the CPU": lambda card, cpu: torch.where(cpu > 0, card, card),
        "an array": lambda card, cpu: card.numpy(),
        "pinned": lambda card, cpu: card.pin_memory(),
        "the CPU's generator": lambda card, cpu: card.normal_(generator=torch.Generator()),
        "made there": lambda card, cpu: torch.zeros(3, device="cuda") * cpu,
    }


@pytest.mark.parametrize("name", refused_operations())
def test_operation_that_a_gpu_refuses_is_refused(name: str) -> None:
    cpu = torch.rand(3)
    with PretendCuda():
        card = torch.rand(3).to("cuda")
        with pytest.raises(NotOnCuda):
            refused_operations()[name](card, cpu)
        assert not on_card(card.cpu() + cpu)
        assert on_card(card * torch.tensor(2.0))
        assert on_card(card[torch.tensor([0, 1])])
        assert card.device == DEVICE
