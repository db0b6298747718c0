"""Slices around a position, one network: its starting point, training samples, and method."""

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from models.interpolation import degrade
from models.method import method
from models.methods.quartet import around
from models.networks.quartet import Training, build
from models.perceptual import Perceptual
from models.training.data import SliceBank, random_flip

SIZE = {"blocks": 1, "width": 8, "expansion": 2}
OPTIONS = {"gap": 3, "patch": 32, "perceptual_weight": 0, "rate": 1e-2, "rate_schedule": "one_cycle", "ema": 0.9}
KNOWN = np.array([0.0, 1, 3, 4, 8])


def test_untrained_network_equals_the_linear_control():
    slices = np.random.default_rng(0).uniform(0.3, 0.7, (5, 8, 12)).astype(np.float32)  # bicubic stays in range
    at = [0, 0.3, 2, 6.5, 8]
    made = method("quartet", {"quartet": build(**SIZE).eval()}).restore(slices, KNOWN, at)
    np.testing.assert_allclose(made, method("linear").restore(slices, KNOWN, at), atol=1e-6)


def test_around_returns_four_neighbours_and_their_relative_distances():
    four, places = around(KNOWN, np.array([0.0, 0.5, 2, 3, 7, 8]), 1)
    assert four.tolist() == [[0, 0, 1, 2], [0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 4], [2, 3, 4, 4]]
    expected = [[0, 0, 2], [0, 0.5, 2], [0.5, 0.5, 0.5], [2, 0, 4], [0.25, 0.75, 0], [0.25, 1, 0]]
    np.testing.assert_allclose(places, expected)


@pytest.mark.parametrize(
    ("context", "at", "slices", "distances"),
    [
        (0, 2, [1, 2], [0.5]),
        (3, 3.5, [0, 0, 1, 2, 3, 4, 4, 4], [0, 1, 2, 0.5, 4, 0, 0]),
    ],
)
def test_around_repeats_the_last_slice_at_distance_0(context, at, slices, distances):
    index, places = around(KNOWN.astype(int), np.array([at]), context)
    assert index.tolist() == [slices]
    np.testing.assert_allclose(places, [distances])


def test_method_uses_four_slices_and_linear_weights():
    quartet, at = method("quartet", {"quartet": build(**SIZE).eval()}), np.array([0.5, 2, 3, 8])
    looked_at = [np.flatnonzero(row).tolist() for row in quartet.looks_at(KNOWN, at)]
    assert looked_at == [[0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4]]
    np.testing.assert_array_equal(quartet.weights(KNOWN, at), method("linear").weights(KNOWN, at))


def test_two_known_slices_suffice():
    made = method("quartet", {"quartet": build(**SIZE).eval()}).restore(np.zeros((2, 8, 8), np.float32), [0, 1], [0.5])
    assert made.shape == (1, 32, 32)


@pytest.mark.parametrize("context", [0, 1, 3])
def test_training_samples_are_slices_of_one_volume_at_the_given_distances(context):
    """Slices whose values are their positions: the target must be at the position given by ``places``."""
    numbers = torch.arange(1, 12) / 16
    volumes = [numbers.view(-1, 1, 1).expand(-1, 4, 4).numpy() + shift / 64 for shift in (0, 1)]
    task = Training(build(**SIZE, context=context), {}, 1, OPTIONS)
    task.prepare(SliceBank(volumes))
    torch.manual_seed(0)
    slices, places = task.draw(500)
    assert (((slices[..., 0, 0] * 64).round() % 4).std(dim=1) == 0).all()  # all of one volume
    known, target = slices[:, :-1, 0, 0], slices[:, -1, 0, 0]
    gap = known[:, context + 1] - known[:, context]
    np.testing.assert_allclose(known[:, context] + places[:, context] * gap, target, atol=2e-4)
    steps = places.clone()
    steps[:, context] = 1
    np.testing.assert_allclose(known.diff(dim=1), steps * gap.unsqueeze(1), atol=2e-4)
    distances = (gap.abs() * 16).round().int()
    assert set(distances.tolist()) == {1, 2, 3}
    assert (gap < 0).float().mean() == pytest.approx(0.5, abs=0.1)
    assert places[:, context].min() == 0
    assert places[:, context].max() == 1


@pytest.mark.parametrize("factor", [1, 4])
def test_training_samples_of_tiny_volumes_stay_inside_the_volume(factor):
    volumes = [np.full((count, 4, 4), (i + 1) / 8, np.float32) for i, count in enumerate((1, 2, 9, 1))]
    task = Training(build(**SIZE, context=3, factor=factor), {}, 1, OPTIONS)
    task.prepare(SliceBank(volumes))
    torch.manual_seed(0)
    slices, places = task.draw(300)
    assert (slices[..., 0, 0] == slices[:, :1, 0, 0]).all()
    assert torch.isfinite(places).all()


def error_reduction(log) -> float:
    """Share of the linear control's error that the network removes by the end."""
    last = log.rows[-30:]
    return 1 - sum(row["network_loss"] for row in last) / sum(row["l1_of_start"] for row in last)


def test_training_removes_a_tenth_of_the_linear_controls_error(train):
    _, log = train("quartet", SIZE, OPTIONS, 150)
    assert error_reduction(log) > 0.1


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_perceptual_loss_uses_the_features_named_by_the_config(net, trunks, bank):
    """With ``vgg``, LPIPS by AlexNet judges a network that did not learn from AlexNet."""
    options = OPTIONS | {"perceptual_weight": 2.0, "perceptual_net": net, "trunk": trunks[net]}
    task = Training(build(**SIZE), {}, 10, options)
    task.prepare(bank)
    torch.manual_seed(0)
    loss, log = task("network", bank.batch(2), 0)
    torch.manual_seed(0)
    bank.batch(2)
    slices, places = task.draw(2)
    patches = random_flip(slices)
    start = task.start(task.seen(patches[:, :4]), places)  # untrained, the network returns its starting point
    expected = Perceptual(trunks[net], net=net)(start.clamp(0, 1), patches[:, 4:]).mean()
    assert log["lpips"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert loss.item() == pytest.approx((log["l1"] + 2 * log["lpips"]).item(), rel=1e-5)


def test_interrupted_training_equals_uninterrupted_training(assert_resumes):
    assert_resumes("quartet", SIZE, OPTIONS | {"patch": 16})


@pytest.mark.parametrize(("context", "changed"), [(0, [1, 2]), (1, [0, 1, 2, 3]), (2, [0, 1, 2, 3, 4])])
def test_context_sets_the_slices_that_change_the_result(context, changed, bank):
    torch.manual_seed(0)
    network = build(**SIZE, context=context).eval()
    torch.nn.init.normal_(network.tail.weight)
    slices = degrade(bank.spread(5)).squeeze(1).numpy()
    restorer = method("quartet", {"quartet": network})
    before = restorer.restore(slices, KNOWN, [2.5])
    differs = []
    for i in range(5):
        other = slices.copy()
        other[i] = 1 - other[i]
        differs.append(not np.array_equal(restorer.restore(other, KNOWN, [2.5]), before))
    assert np.flatnonzero(differs).tolist() == changed


def test_negative_context_is_refused():
    with pytest.raises(ValueError, match="context -1"):
        build(**SIZE, context=-1)


@pytest.mark.parametrize("context", [1, 3])
def test_chunks_do_not_change_the_result(context, bank):
    torch.manual_seed(0)
    network = build(**SIZE, context=context).eval()
    torch.nn.init.normal_(network.tail.weight, std=0.01)
    slices = degrade(bank.spread(5)).squeeze(1).numpy()
    at = np.linspace(0, 8, 23)
    expected = method("quartet", {"quartet": network}).restore(slices, KNOWN, at)
    for chunk in (1, 4):
        made = method("quartet", {"quartet": network}, chunk=chunk).restore(slices, KNOWN, at)
        np.testing.assert_allclose(made, expected, atol=2e-6)


def test_method_without_network_is_refused():
    with pytest.raises(ValueError, match="made of the networks quartet; given: none"):
        method("quartet")


@pytest.mark.parametrize("context", [1, 3])
@pytest.mark.parametrize("taken", [slice(0, 2), slice(0, 3), slice(2, 5), slice(0, 4), slice(1, 5)])
def test_untrained_factor_1_network_equals_the_natural_cubic_spline(taken, context):
    network = build(**SIZE, factor=1, context=context).eval()
    slices = (
        np.random.default_rng(0).uniform(0.4, 0.6, (5, 8, 8)).astype(np.float32)[taken]
    )  # the spline stays in range
    known = KNOWN[taken]
    at = np.linspace(known[max(0, len(known) - 3)], known[max(1, len(known) - 2)], 5)  # of four: in the middle gap
    made = method("quartet", {"quartet": network}).restore(slices, known, at)
    np.testing.assert_allclose(made, CubicSpline(known, slices, bc_type="natural")(at), atol=1e-5)


def test_factor_2_is_refused():
    with pytest.raises(ValueError, match="factor 2"):
        build(**SIZE, factor=2)


@pytest.mark.parametrize("context", [0, 1, 3])
def test_four_views_give_the_same_result_for_a_flipped_volume(context, bank):
    network = build(**SIZE, context=context).eval()
    torch.nn.init.normal_(network.tail.weight)
    torch.nn.init.normal_(network.place[-1].weight, std=0.1)
    slices = degrade(bank.spread(5)).squeeze(1).numpy()
    at = np.array([0.5, 2.5, 8])

    def both(views):
        restorer = method("quartet", {"quartet": network}, views=views)
        there = restorer.restore(slices, KNOWN, at)
        back = restorer.restore(slices[::-1, :, ::-1], 8 - KNOWN[::-1], 8 - at[::-1])[::-1, :, ::-1]
        return np.abs(there - back).max()

    assert both(1) > 1e-2
    assert both(4) < 1e-5
    with pytest.raises(ValueError, match="views = 3"):
        method("quartet", {"quartet": network}, views=3)


def test_factor_1_network_returns_known_slices_unchanged(bank):
    network = build(**SIZE, factor=1).eval()
    torch.nn.init.normal_(network.tail.weight)
    slices = bank.spread(5).squeeze(1).numpy()
    made = method("quartet", {"quartet": network}).restore(slices, KNOWN, [0, 3, 3.5, 8])
    np.testing.assert_allclose(made[[0, 1, 3]], slices[[0, 2, 4]], atol=1e-6)
    assert np.abs(made[2] - (slices[2] + slices[3]) / 2).max() > 1e-3


def test_factor_1_training_samples_lie_strictly_between_known_slices(train):
    task, log = train("quartet", SIZE | {"factor": 1}, OPTIONS, 1000)
    assert error_reduction(log) > 0.04
    _, places = task.draw(200)
    assert (places[:, 1] > 0).all()
    assert (places[:, 1] < 1).all()
    rows = task.picture(task.examples(task.bank))
    assert [row.shape for row in rows] == [(6, 1, 32, 32)] * 3
