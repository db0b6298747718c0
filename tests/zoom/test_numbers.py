"""Numbers of a request are taken within their range, or refused by name."""

from pathlib import Path
from typing import Any

import pytest

from benchmark.errors import UserError
from zoom.geometry import zoom_factor
from zoom.request import request, set_up


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", -1), ("seed", 2**63), ("steps", -5), ("steps", 0), ("threads", 0), ("threads", -3), ("threads", 10**6)],
)
def test_seed_steps_and_threads_out_of_range_are_refused(config: dict, name: str, value: int) -> None:
    with pytest.raises(UserError, match=rf"--{name} {value}: give a whole number from \d+ to \d+"):
        set_up(config, {name: value})


def test_settings_are_stored_at_their_config_keys(config: dict) -> None:
    set_up(config, {"seed": 7, "steps": 3, "threads": 2, "device": "cpu", "results": "x", "n": 5})
    assert (config["seed"], config["sampling"]["steps"], config["results"]) == (7, 3, "x")
    assert (config["compute"]["threads"], config["compute"]["device"]) == (2, "cpu")


@pytest.mark.parametrize(
    "given",
    [
        {"memory": float("inf")},
        {"memory": float("nan")},
        {"memory": 0.0},
        {"memory": 1e300},
        {"uncertainty": -1},
        {"uncertainty": 1},
        {"uncertainty": 10**9},
        {"tile": 0},
        {"tile": 10**9},
        {"tile": 2.5},
        {"n": "1"},
        {"zoom": True},
    ],
)
def test_request_values_out_of_range_are_refused(config: dict, given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"^scan.nii: {next(iter(given))} = .*; "):
        request(config, Path("scan.nii"), Path("o.nii"), **given)


@pytest.mark.parametrize(
    "zoom_arguments",
    [{"n": 2_000_000_000}, {"n": -1}, {"zoom": 1e308}, {"zoom": float("nan")}, {"spacing": 1e-12}, {"spacing": 1e-320}],
)
def test_zoom_values_out_of_range_are_refused(zoom_arguments: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=rf"^scan.nii: {next(iter(zoom_arguments))} = .*; "):
        zoom_factor(**{"n": None, "zoom": None, "spacing": None, **zoom_arguments}, apart=5.0, path="scan.nii")
