"""The verdict page's sentences about networks, from the shipped configurations."""

import copy

import pytest
from configs import merged

from benchmark.config import check
from benchmark.report.trained import deviations, needed


@pytest.fixture(scope="module")
def article() -> dict:
    return check(merged())


@pytest.fixture(scope="module")
def demo() -> dict:
    return check(merged("demo"))


def test_default_networks_deviate_only_where_the_article_is_silent(article):
    text = " ".join(deviations(article))
    assert "another size" not in text
    for loss in ("perceptual loss", "adversarial", "BSRGAN", "eq. 14"):
        assert loss not in text
    assert "Lengths and batches of training" in text
    assert "EDSR (edsr) is trained on samples by DDIM, T = 50" in text


def test_demo_lists_all_its_deviations(demo):
    text = " ".join(deviations(demo))
    for words in (
        "vq (channels 16/32/64, not 128/256/512; layers_per_block 1, not 2; codes 512, not 8192)",
        "ldm (width 32, not 160",
        "edsr (blocks 4, not 16)",
        "without the perceptual and the adversarial loss of section 3.1",
        "degradation “bilinear”; the article has BSRGAN-light",
        "SRGAN (srgan) is trained without its perceptual loss",
        "trained by MSE (eq. 14); section 3.1 has MAE",
        f"vq {demo['networks']['vq']['training']['steps']:,} steps of 8",
    ):
        assert words in text, words


def test_deviations_state_initial_weights_and_shared_networks(article, demo):
    text = " ".join(deviations(article))
    for words in (
        "Trained from public:bsr_4x: vq, ldm.",
        "One training per cohort, of fold 1, used in all folds, as the authors did: vq.",
        "has seen the patients that folds 2 and up hold out",
        "may end the training of vq, ldm",
        "ldm 15 epochs of 8",
    ):
        assert words in text, words
    small = " ".join(deviations(demo))
    for words in ("Trained from", "One training per cohort", "may end"):
        assert words not in small


def test_with_a_time_limit_the_configs_steps_are_an_upper_limit():
    text = " ".join(deviations(check(merged("short"))))
    assert "Lengths and batches of training" not in text
    assert "Greatest lengths, and batches, of training: vq 20,000 steps of 8" in text
    assert "A training ends earlier if its share of 10 minutes is over" in text


@pytest.mark.parametrize(
    ("network", "key", "value", "words"),
    [
        ("vq", "perceptual_weight", 0, "without the perceptual loss"),
        ("vq", "discriminator_weight", 0, "without the adversarial loss"),
        ("ldm", "degradation", "bilinear", "“bilinear”"),
        ("srgan", "perceptual_weight", 0, "SRGAN (srgan)"),
        ("edsr", "loss", "mse", "by MSE"),
    ],
)
def test_one_changed_value_adds_one_sentence(article, network, key, value, words):
    changed = copy.deepcopy(article)
    changed["networks"][network]["training"][key] = value
    (new,) = set(deviations(changed)) - set(deviations(article))
    assert words in new


def test_unused_networks_are_not_mentioned(article):
    controls = copy.deepcopy(article)
    controls["study"]["methods"] = ["linear", "truth"]
    assert needed(controls) == {}
    assert deviations(controls) == []
    assert "quartet_full" not in needed(article)
    controls["study"]["methods"] = ["ours"]
    assert set(needed(controls)) == {"vq", "ldm", "edsr"}
