"""The training loop: saving, resuming and stopping."""

import os
import resource
import signal

import numpy as np
import pytest
import torch
from torch import nn

from models import weights
from models.training.data import SliceBank, random_crop
from models.training.log import TrainingLog
from models.training.loop import Diverged, Stopped, TrainingPlan, fit, start_fabric
from models.training.task import Phase, Task, fuse, lay_out_state, rate_schedule

STEPS = 12


class Blur(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return self.conv(x)


class Denoise(Task):
    """Two optimisers, an EMA, a schedule and noise: everything that the loop must resume."""

    ema_decay = 0.9
    explode_at = None
    kink_at = None
    signal_at = None
    die_at = None

    def __init__(self, *args):
        super().__init__(*args)
        self.critic = nn.Conv2d(1, 1, 3)

    def phases(self):
        first = torch.optim.AdamW(self.network.parameters(), lr=1e-2)
        second = torch.optim.Adam(self.critic.parameters(), lr=1e-2)
        return {"network": Phase(first, rate_schedule("one_cycle", first, self.steps)), "critic": Phase(second)}

    def forward(self, phase, batch, step):
        if phase == "critic":
            return self.critic(self.restored).pow(2).mean(), {}
        slices = random_crop(batch, 0.5)
        restored = self.network(slices + torch.randn_like(slices) * 0.1)
        self.restored = restored.detach()
        loss = (restored - slices).pow(2).mean()
        if step == self.kink_at:  # adds 0 to the loss, and NaN to its gradient
            loss = loss + (0 * self.network.conv.weight).pow(2).sum().sqrt()
        if step == self.die_at:
            raise KeyboardInterrupt
        if step == self.signal_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss * (float("nan") if step == self.explode_at else 1), {"seen": slices.mean()}

    def picture(self, batch):
        return [self.network(batch), batch]


@pytest.fixture
def train(tmp_path):
    """Trains from fixed weights into a folder; attributes of the task may be set."""
    volumes = [np.random.default_rng(i).random((6, 16, 16), dtype=np.float32) for i in range(2)]

    def run(folder="a", identity="x", steps=STEPS, stop_after=None, **attributes):
        torch.manual_seed(0)
        task = Denoise(Blur(), {}, STEPS, {})
        for name, value in attributes.items():
            setattr(task, name, value)
        target = tmp_path / folder
        target.mkdir(exist_ok=True)
        log = TrainingLog("denoise", target / "n")
        plan = TrainingPlan(steps, 3, 7, checkpoint_every=4, picture_every=6, log_every=1, stop_after=stop_after)
        bank = SliceBank(volumes)
        fit(task, bank, bank, plan, target / "n.ckpt", log, start_fabric("cpu"), {"id": identity})
        return task, log

    return run


def network_arrays(task):
    return {k: v.numpy() for k, v in task.network.state_dict().items()}


def test_training_stopped_by_sigterm_resumes_bit_for_bit(train):
    expected, log = train("a")
    with pytest.raises(Stopped, match="step 6 of 12; run again"):
        train("b", signal_at=5)
    resumed, resumed_log = train("b")
    assert resumed_log.rows == log.rows
    for key, value in network_arrays(expected).items():
        np.testing.assert_array_equal(network_arrays(resumed)[key], value)


def test_killed_training_resumes_from_its_last_checkpoint(train):
    expected, log = train("a")
    with pytest.raises(KeyboardInterrupt):
        train("b", die_at=10)  # two steps after the checkpoint at 8
    resumed, resumed_log = train("b")
    assert resumed_log.rows == log.rows
    for key, value in network_arrays(expected).items():
        np.testing.assert_array_equal(network_arrays(resumed)[key], value)


def test_training_stops_with_a_checkpoint_at_its_time_limit(train, tmp_path):
    with pytest.raises(Stopped, match="step 1 of 12"):
        train("a", stop_after=0.0)
    assert (tmp_path / "a" / "n.ckpt").exists()


def test_checkpoint_of_another_configuration_is_not_resumed(train):
    with pytest.raises(Stopped):
        train("a", signal_at=5)
    _, log = train("a", identity="y")
    assert log.rows[0]["step"] == 1
    assert len(log.rows) == STEPS


def test_nan_loss_stops_training_and_keeps_the_last_finite_checkpoint(train, tmp_path):
    with pytest.raises(Diverged, match=r"denoise: a loss or a weight is NaN or infinite at step 7; .*lower the rate"):
        train("a", explode_at=6)
    kept = torch.load(tmp_path / "a" / "n.ckpt", weights_only=True)
    assert kept["course"]["done"] == 4
    assert all(torch.isfinite(value).all() for value in kept["task"].values())


@pytest.mark.parametrize(("step", "kept"), [(STEPS, 8), (8, 4)])  # the last step, and a step with a checkpoint
def test_weights_that_become_nan_at_a_finite_loss_are_not_kept(step, kept, train, tmp_path):
    with pytest.raises(Diverged, match=f"NaN or infinite at step {step}"):
        train("a", kink_at=step - 1)
    checkpoint = torch.load(tmp_path / "a" / "n.ckpt", weights_only=True)
    assert checkpoint["course"]["done"] == kept
    assert all(torch.isfinite(value).all() for value in checkpoint["task"].values())
    resumed, _ = train("a")
    for key, value in network_arrays(train("b")[0]).items():
        np.testing.assert_array_equal(network_arrays(resumed)[key], value)


@pytest.mark.parametrize("damage", [b"", b"<html>", "cut", "list"])
def test_damaged_checkpoint_is_named_in_the_error(damage, train, tmp_path):
    with pytest.raises(Stopped):
        train("a", stop_after=0.0)
    path = tmp_path / "a" / "n.ckpt"
    if damage == "list":
        torch.save([1, 2], path)
    else:
        path.write_bytes(path.read_bytes()[:-300] if damage == "cut" else damage)
    with pytest.raises(ValueError, match=r"n\.ckpt: not a whole checkpoint \(.+\); delete it"):
        train("a")


def test_checkpoint_that_does_not_fit_on_the_disk_leaves_the_last_one(train, tmp_path):
    with pytest.raises(Stopped):
        train("a", stop_after=0.0)
    path = tmp_path / "a" / "n.ckpt"
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match=r"n\.ckpt: the checkpoint cannot be written \(File too large\)"):
            train("a", stop_after=0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert not list(path.parent.glob("*.part"))


def test_weights_that_are_not_finite_are_not_written(tmp_path):
    network = nn.Linear(2, 2)
    nn.init.constant_(network.bias, 1e5)
    weights.save(tmp_path / "w.safetensors", network, {"network": "x", "size": {}})
    for half, value in ((True, 1e5), (False, float("nan"))):  # 1e5 is infinite in half precision
        nn.init.constant_(network.bias, value)
        with pytest.raises(ValueError, match=r"v\.safetensors is not written: 2 numbers of bias are NaN or infinite"):
            weights.save(tmp_path / "v.safetensors", network, {"network": "x", "size": {}}, half=half)
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


def test_exponential_average_of_the_weights_is_returned(train):
    averaged, _ = train("a")
    Denoise.ema_decay = None
    try:
        plain, _ = train("b")
    finally:
        Denoise.ema_decay = 0.9
    assert any((network_arrays(averaged)[key] != network_arrays(plain)[key]).any() for key in network_arrays(plain))


def test_log_is_written_as_csv_and_pictures(train, tmp_path):
    _, log = train("a")
    log.write()
    lines = (tmp_path / "a" / "n.csv").read_text().splitlines()
    assert lines[0] == "step,network_loss,seen,critic_loss,wait"
    assert len(lines) == STEPS + 1
    assert all(0 <= float(line.rsplit(",", 1)[1]) < 1 for line in lines[1:])
    assert {path.name for path in (tmp_path / "a").glob("*.png")} == {"n.png", "n_slices.png"}


def test_slice_bank_omits_blank_slices_and_stores_16_bits():
    volume = np.random.default_rng(0).random((4, 8, 8), dtype=np.float32)
    volume[1] = 0
    bank = SliceBank([volume])
    assert len(bank) == 3
    np.testing.assert_allclose(bank.take(torch.arange(3)).squeeze(1), volume[[0, 2, 3]], atol=1 / 65535)
    with pytest.raises(ValueError, match="no training slice"):
        SliceBank([np.zeros((2, 8, 8), np.float32)])


def test_slices_on_both_sides_of_a_blank_slice_are_not_neighbours():
    volume = np.ones((6, 8, 8), np.float32)
    volume[[0, 3]] = 0
    bank = SliceBank([volume, np.zeros_like(volume), volume[1:3]])
    assert bank.run.tolist() == [0, 0, 1, 1, 2, 2]


def test_volumes_of_different_frames_are_refused():
    with pytest.raises(ValueError, match="different frames \\(4×8, 8×8\\)"):
        SliceBank([np.ones((2, 8, 8), np.float32), np.ones((2, 4, 8), np.float32)])


def test_shares_of_volumes_without_effect_are_named(capsys):
    volumes = [np.ones((2, 4, 4), np.float32)] * 2
    Task.learns_from(volumes, "cpu", [0.5, 0.5])
    assert capsys.readouterr().out == ""
    Task.learns_from(volumes, "cpu", [0.2, 0.8])
    assert "the shares of the volumes have no effect" in capsys.readouterr().out


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_crop_that_is_no_share_of_the_frame_is_refused(share):
    with pytest.raises(ValueError, match=f"crop {share}: .*share of the frame"):
        random_crop(torch.rand(2, 1, 16, 16), share)


def test_random_crop_of_share_1_is_the_identity_and_smaller_shares_magnify():
    slices = torch.rand(2, 1, 16, 16)
    torch.testing.assert_close(random_crop(slices, 1.0), slices, atol=1e-5, rtol=0)
    ramp = torch.linspace(0, 1, 16).expand(8, 1, 16, 16).contiguous()
    crops = random_crop(ramp, 0.5)
    slope = crops[:, 0, 8, 9] - crops[:, 0, 8, 8]
    assert (slope < 1 / 15 + 1e-4).all()
    assert (slope > 0.5 / 15 - 1e-4).all()
    assert slope.std() > 0


@pytest.mark.parametrize("damage", ["metadata", "tensors"])
def test_weights_without_matching_metadata_or_tensors_are_refused_by_name(damage, tmp_path, tiny_vq):
    path = tmp_path / "w.safetensors"
    if damage == "metadata":
        weights.save(path, nn.Linear(2, 2), {"seed": 1})
    else:
        weights.save(path, nn.Linear(2, 2), {"network": "vq", "size": tiny_vq})
    with pytest.raises(ValueError, match=r"w\.safetensors"):
        weights.load(path)


def test_saved_weights_keep_their_metadata_and_tensors(tmp_path, tiny_vq):
    path = tmp_path / "w.safetensors"
    module = weights.network("vq", tiny_vq)
    weights.save(path, module, {"network": "vq", "size": tiny_vq, "steps": 3})
    assert weights.read_metadata(path) == {"network": "vq", "size": tiny_vq, "steps": 3}
    back = weights.load(path)
    assert not back.training
    for key, value in module.state_dict().items():
        torch.testing.assert_close(back.state_dict()[key], value, atol=0, rtol=0)


@pytest.mark.parametrize(
    ("name", "size", "wrong", "said"),
    [
        ("wdsr", {}, {"patch": 50}, "'patch' is 50; it must be a whole number of at least 4 and a multiple of 4"),
        ("srgan", {}, {"patch": 0}, "'patch' is 0"),
        ("quartet", {}, {"patch": 50}, "'patch' is 50"),
        ("quartet", {}, {"gap": 0}, "'gap' is 0; it must be a whole number of at least 1"),
        ("quartet", {"factor": 1}, {"gap": 1}, "'gap' is 1; it must be a whole number of at least 2"),
        ("vq", {}, {"codebook_init": "Data"}, "'codebook_init' is Data; choose one of uniform, data"),
        ("edsr", {}, {"loss": "l1"}, "'loss' is l1; choose one of mae, mse"),
        ("lens", {}, {"patch": 50}, "'patch' is 50; it must be a whole number of at least 9 and a multiple of 4"),
        ("slab", {}, {"border": 16}, "'patch' is 32; it must be a whole number of at least 33"),
    ],
)
def test_setting_that_a_training_cannot_have_is_refused(name, size, wrong, said):
    options = {"patch": 32, "gap": 3, "border": 4, "ema": 0.9, "degradation": "bilinear", "perceptual_weight": 0}
    options |= {"discriminator_width": 4, "discriminator_weight": 0}
    smallest = {"channels": [8, 8, 8], "norm_groups": 4} if name == "vq" else {"blocks": 1, "width": 8}
    network = weights.network(name, smallest | size)
    weights.training_of(name)(network, {}, 1, options)
    with pytest.raises(ValueError, match=f"the training's setting {said}"):
        weights.training_of(name)(network, {}, 1, options | wrong)


@pytest.fixture
def tiny_vq():
    return {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 16, "norm_groups": 4}


def test_fused_optimiser_gives_the_same_parameters():
    """As on a GPU; the fused kernel exists on the CPU too. It is set up before the first step, also when resuming."""
    found = []
    for fused in (False, True):
        torch.manual_seed(0)
        network = Blur()
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
        if fused:
            fuse(optimiser)
        for _ in range(3):
            optimiser.zero_grad()
            network(torch.ones(1, 1, 8, 8)).pow(2).mean().backward()
            optimiser.step()
        assert optimiser.state_dict()["param_groups"][0]["fused"] is (True if fused else None)
        found.append(network.conv.weight.detach())
    torch.testing.assert_close(found[0], found[1])


def test_optimiser_state_in_another_layout_is_loaded_into_the_layout_of_the_weights():
    """A checkpoint of a training that was not compiled, resumed compiled; fused kernels refuse two layouts."""

    def stepped(network: nn.Module, state: dict | None) -> dict:
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
        fuse(optimiser)
        if state:
            optimiser.load_state_dict(state)
            lay_out_state(optimiser)
            assert optimiser.state[network.weight]["exp_avg"].stride() == network.weight.stride()
        network(torch.ones(1, 4, 8, 8)).pow(2).mean().backward()
        optimiser.step()
        network.zero_grad()
        return optimiser.state_dict()

    found = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        network = nn.Conv2d(4, 4, 3, padding=1)
        state = stepped(network, None)
        stepped(network.to(memory_format=layout), state)
        found.append(network.weight.detach())
    assert found[0].stride() != found[1].stride()
    torch.testing.assert_close(*found)


def test_compiled_training_has_channels_last_layout(monkeypatch):
    """Weights, and all features: otherwise every convolution converts its layout on a GPU."""
    monkeypatch.setattr(torch._inductor.config, "force_layout_optimization", False)
    network = nn.Sequential(nn.Conv2d(8, 4, 3), nn.Conv2d(4, 4, 3))
    task = Task(network, {}, 1, {})
    task.set_evaluation(half=False, compiled=False)
    assert network[0].weight.is_contiguous()
    task.set_evaluation(half=False, compiled=True)
    assert all(layer.weight.is_contiguous(memory_format=torch.channels_last) for layer in network)
    assert torch._inductor.config.force_layout_optimization
