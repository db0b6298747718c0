"""Measuring how fast a network trains."""

from pathlib import Path

import pytest
import yaml

from models.training.speed import measure

ROOT = Path(__file__).parents[2]


COMPUTE = {"device": "cpu", "precision": "32-true", "threads": 1, "half": "auto", "compile": "auto"}


def networks_of(*names):
    """The smoke study's networks, over the article's."""
    full, small = (
        yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text())["networks"] for name in ("config", "smoke")
    )
    return {
        name: {"needs": [], "init": None}
        | full[name]
        | {
            "size": full[name]["size"] | small[name]["size"],
            "training": full[name]["training"] | small[name]["training"],
        }
        for name in names
    }


def test_seconds_per_step_are_measured():
    row = measure("wdsr", networks_of("wdsr"), side=32, compute=COMPUTE, trunk=None, steps=3)
    assert 0 < row["seconds_per_step"] < 5
    assert (row["network"], row["device"], row["steps"], row["batch"], row["start_seconds"]) == ("wdsr", "cpu", 3, 2, 0)


@pytest.mark.parametrize("setting", ["degradation", "rate"])
def test_missing_setting_of_a_training_is_named(setting):
    networks = networks_of("wdsr")
    del networks["wdsr"]["training"][setting]
    with pytest.raises(ValueError, match=f"needs the setting '{setting}'"):
        measure("wdsr", networks, side=32, compute=COMPUTE, trunk=None, steps=3)


def test_start_seconds_include_the_time_to_make_the_pool():
    """EDSR restores slices before its first step: the time grows in proportion to the pool."""
    networks = networks_of("edsr", "vq", "ldm")
    networks["edsr"]["training"]["pool"] = 40
    many = measure("edsr", networks, side=32, compute=COMPUTE, trunk=None, steps=2)
    assert many["start_seconds"] > 0
