"""The table of parameters and work of each network."""

from pathlib import Path

import pytest

from models.count import main, markdown, merged, table

ROOT = Path(__file__).resolve().parents[2]


def test_article_networks_have_the_published_parameters_and_gflop():
    rows = {(row["network"], row["does"]): row for row in table({"vq": {"size": {}}, "ldm": {"size": {}}})}
    assert rows["vq", "decode"]["parameters"] == 55_322_782
    assert rows["ldm", "one step"]["parameters"] == 113_622_563
    assert rows["ldm", "one step"]["gflop_per_slice"] == pytest.approx(80.5, abs=0.1)
    assert rows["vq", "decode"]["gflop_per_slice"] == pytest.approx(670, abs=1)
    assert 0 < rows["vq", "encode"]["gflop_per_slice"] < rows["vq", "decode"]["gflop_per_slice"]


def test_gflop_is_proportional_to_the_slice_area():
    size = {"channels": [8, 8, 16], "layers_per_block": 1, "codes": 32, "norm_groups": 4, "mid_attention": False}
    small, large = (table({"vq": {"size": size}}, side)[0]["gflop_per_slice"] for side in (32, 64))
    assert large == pytest.approx(4 * small)


def test_markdown_row_has_thousands_separators_and_one_decimal():
    rows = [{"network": "vq", "does": "encode", "parameters": 1234567, "gflop_per_slice": 1.26}]
    assert markdown(rows).splitlines()[2] == "| vq | encode | 1,234,567 | 1.3 |"


def test_later_configurations_override_earlier_ones_key_by_key():
    assert merged({"a": {"b": 1, "c": [1, 2]}, "d": 3}, {"a": {"c": [4]}}) == {"a": {"b": 1, "c": [4]}, "d": 3}


def test_command_prints_the_configured_networks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr("sys.argv", ["count", str(ROOT / "config" / "config.yaml")])
    main()
    printed = capsys.readouterr().out
    assert "| ldm | one step | 113,622,563 | 80.5 |" in printed
    assert "| vq | decode | 55,322,782 | 670.6 |" in printed
