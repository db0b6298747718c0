"""The patch discriminator and its losses."""

import pytest
import torch

from models.training.patch_discriminator import PatchDiscriminator, adversarial_loss, hinge


def test_each_score_depends_on_70_by_70_pixels() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(3, width=4).eval()
    image = torch.zeros(1, 3, 128, 128, requires_grad=True)
    scores = network(image)
    assert scores.shape == (1, 1, 14, 14)
    scores[0, 0, 7, 7].backward()
    seen = image.grad.abs().sum((0, 1)).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


def test_initial_weights_have_the_originals_distribution() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(3)
    first, last = network[0], network[-1]
    assert first.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert last.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not first.bias.any()
    assert not last.bias.any()
    assert network[3].weight.mean().item() == pytest.approx(1, abs=0.01)
    assert sum(p.numel() for p in network.parameters()) == 2_765_633


@pytest.mark.parametrize(("score", "real", "loss"), [(0, True, 1), (9, True, 0), (9, False, 10), (0.5, True, 0.5)])
def test_hinge_loss_has_hand_computed_values(score: float, real: bool, loss: float) -> None:
    assert hinge(torch.full((2, 1, 3, 3), float(score)), real).item() == pytest.approx(loss, abs=1e-6)


def test_adversarial_loss_is_minus_the_mean_score() -> None:
    """A hinge would not push beyond a score of 1."""
    scores = torch.tensor([[[[-3.0, 5.0]]]], requires_grad=True)
    loss = adversarial_loss(scores)
    loss.backward()
    assert loss.item() == -1
    assert scores.grad.tolist() == [[[[-0.5, -0.5]]]]
