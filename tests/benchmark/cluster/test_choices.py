"""A lab can run the default study, and the hours of each choice are right."""

import pytest
from configs import merged

from benchmark.cluster.choices import choices_frame, choices_table
from benchmark.print.typeset import markdown


@pytest.fixture(scope="module")
def hours():
    return choices_frame(merged()).set_index("choice")["hours"]


def test_default_study_takes_at_most_150_gpu_hours(hours):
    assert hours["as configured"] <= 150
    assert hours["as configured"] == hours["recipe: authors"]


@pytest.mark.parametrize(
    ("cheaper", "dearer"),
    [
        ("recipe: authors", "recipe: scratch"),
        ("compute.precision: bf16-mixed", "compute.precision: 32-true"),
        ("as configured", "compute: {half: false, compile: false}"),
        ("sampling.sampler: fast", "as configured"),
        ("study.folds: 1", "as configured"),
        ("without table 6 and sampler curve", "as configured"),
        ("first stage and diffusion: 5 epochs", "as configured"),
        ("only the article's methods and controls", "as configured"),
        ("one cohort (oasis)", "study.folds: 1"),
    ],
)
def test_cheaper_choice_takes_fewer_hours(hours, cheaper, dearer):
    assert hours[cheaper] < hours[dearer]


def test_choice_that_the_config_does_not_have_is_left_out():
    own = merged()
    own |= {"recipe": "scratch", "recipes": {"scratch": own["recipes"]["scratch"]}, "contest": {}}
    own["samplers"].pop("named")
    own["study"] |= {"methods": ["quartet"], "cohorts": ["atlas"]}
    for network in ("vq", "ldm", "edsr"):
        own["networks"].pop(network)
    own["methods"] = {name: method for name, method in own["methods"].items() if method.get("networks") == ["quartet"]}
    own["zoom"]["prefer"] = []
    own["figures"] = {}
    shown = choices_frame(own)["choice"].tolist()
    assert {"as configured", "recipe: scratch", "study.folds: 1", "one cohort (atlas)"} < set(shown)
    assert not {
        "recipe: authors",
        "sampling.sampler: fast",
        "first stage and diffusion: 5 epochs",
        "only the article's methods and controls",
    } & set(shown)


def test_stand_in_is_not_counted_for_samplers_that_are_switched_off():
    own = merged("bids")
    own["study"] |= {"methods": ["ours"]}
    hours = choices_frame(own).set_index("choice")["hours"]
    assert hours["without table 6 and sampler curve"] < hours["as configured"]


def test_choices_table_does_not_change_the_config():
    own = merged("short")
    before = repr(own)
    text = markdown(choices_table(choices_frame(own)))
    assert repr(own) == before
    assert "one cohort (bids)" in text
    assert "| as configured |" in text
