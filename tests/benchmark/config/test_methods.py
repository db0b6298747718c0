"""The networks that a method needs, before PyTorch is imported and any network is trained."""

from pathlib import Path

import pytest
from configs import merged

from benchmark import project
from benchmark.config import check
from benchmark.config.methods import made_of
from benchmark.errors import UserError
from models.files import imported

FILES = sorted(path.stem for path in (project.models() / "methods").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", FILES)
def test_networks_in_the_source_are_those_of_the_class(name: str) -> None:
    assert made_of(name) == imported("methods", name).Method.made_of


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"class": "ours", "networks": ["vq"]}, "models/methods/ours.py needs a network of class ldm; add it"),
        ({"class": "baseline"}, "models/methods/baseline.py needs a network of class vq and one of ldm"),
        ({"class": "quartet", "networks": ["wdsr"]}, "needs a network of class quartet"),
        ({"class": "quartet", "networks": ["quartet", "quartet_pair"]}, "two networks of class quartet; take one out"),
        ({"class": "quartet", "networks": ["quartet_pair"]}, None),
    ],
)
def test_method_without_a_network_of_its_class_is_refused(block: dict, said: str | None) -> None:
    changes = {"methods": {"mine": {"label": "mine"} | block}, "study": {"methods": ["mine", "linear"]}}
    if said is None:
        check(merged(**changes))
        return
    with pytest.raises(UserError, match=f"methods.mine.networks: .*{said}"):
        check(merged(**changes))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Method:\n    made_of = (", r"mine\.py: line 2: '\(' was never closed"),
        ("NEEDS = 'vq'\n\n\nclass Method:\n    made_of = (NEEDS,)\n", r"mine\.py: made_of: .*use only literal values"),
    ],
)
def test_method_that_cannot_be_read_is_named(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "mine.py").write_text(text)
    monkeypatch.setattr(project, "models", lambda: tmp_path)
    with pytest.raises(UserError, match=said):
        made_of.__wrapped__("mine")
