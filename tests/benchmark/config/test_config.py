"""The shipped configurations are valid; a mistake gives one line that names it."""

import copy
from pathlib import Path

import pytest
from configs import FOLDER, merged

from benchmark.config import check, complete
from benchmark.config.networks import needed_networks
from benchmark.errors import UserError


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "config"))
def test_every_shipped_config_is_valid(name):
    check(merged(name))


def test_default_config_has_the_articles_values():
    config = check(merged())
    assert config["study"]["folds"] == 5
    assert len(config["study"]["cohorts"]) == 6
    assert (config["sampling"]["steps"], config["sampling"]["eta"]) == (200, 1.0)
    patients = {name: config["cohorts"][name]["patients"] for name in config["study"]["cohorts"]}
    assert {(p["cv"], p["test"]) for p in patients.values()} == {(17, 3), (31, 3), (85, 3), (27, 3)}


def test_defaults_of_the_schema_require_no_method_and_no_cohort_of_the_article():
    cohort = {"label": "T1", "reader": "toy", "axis": "axial", "patients": {"cv": 1, "test": 1}}
    method = {"label": "linear", "kind": "control"}
    own = {"cohorts": {"toy": cohort}, "methods": {"linear": method}}
    check({"study": {"cohorts": ["toy"], "methods": ["linear"]}, "networks": {}, **own})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "unknown key 'sede'; did you mean 'seed'?"),
        ({"preprocess": {"scalling": "volume"}}, "preprocess: unknown key 'scalling'; did you mean 'scaling'?"),
        ({"seed": "one"}, "seed: 'one' is not of type 'integer'"),
        ({"cohorts": {"oasis": {"label": "a\n.. include:: b"}}}, "cohorts.oasis.label: "),
        ({"seed": -1}, "seed: -1 is less than the minimum of 0"),
        ({"seed": "-1"}, "seed: -1 is less than the minimum of 0"),
        ({"sampling": {"steps": -5}}, "sampling.steps: -5 is less than the minimum of 1"),
        (
            {"methods": {"ours": {"options": {"steps": -5}}}},
            "methods.ours.options.steps: -5 is less than the minimum of 1",
        ),
        ({"study": {"methods": ["oursy"]}}, "study.methods: 'oursy' is not defined; did you mean 'ours'?"),
        ({"methods": {"copy": {"label": "c", "class": "copi"}}}, "methods.copy: no file models/methods/copi.py"),
        ({"methods": {"mine": {"label": "m", "networks": ["nvq"]}}, "study": {"methods": ["mine"]}}, "'nvq'"),
        ({"preprocess": {"size": 100}}, "preprocess.size: 100 is not a multiple of 32"),
        ({"weights": {"cohorts": {"oasys": 1}}}, "weights.cohorts: 'oasys' is not defined; did you mean 'oasis'?"),
        ({"samplers": {"cohorts": ["oasys"]}}, "samplers.cohorts: 'oasys' is not defined; did you mean 'oasis'?"),
        ({"samplers": {"named": {"plms": {"sampler": "ddim", "steps": 5}}}}, "samplers.named: 'plms' is the name of a"),
        (
            {"methods": {"mine": {"label": "m", "class": "copy", "networks": ["nvq"]}}, "zoom": {"train": ["mine"]}},
            "methods.mine.networks: 'nvq' is not defined",
        ),
        ({"sampling": {"steps": 260}}, "sampling.steps: 260 steps of ddim would not begin at the noise; choose a div"),
        ({"networks": {"edsr": {"training": {"sampling_steps": 600}}}}, "edsr.training.sampling_steps: 600 steps of d"),
        ({"samplers": {"settings": [{"sampler": "plms", "steps": [50, 700]}]}}, "samplers.settings: 700 steps of plms"),
        ({"figures": {"fig05": {"cohort": "oasys"}}}, "figures.fig05.cohort: 'oasys' is not defined; did you mean"),
        ({"viewer": {"cohort": "oasys"}}, "viewer.cohort: 'oasys' is not defined; did you mean 'oasis'?"),
        ({"survey": {"cohort": "atlass"}}, "survey.cohort: 'atlass' is not defined; did you mean 'atlas'?"),
        ({"efficiency": {"cohort": "brats_t4"}}, "efficiency.cohort: 'brats_t4' is not defined; did you mean 'brats_t"),
        ({"weights": {"cohorts": {"oasis": "-1"}}}, "weights.cohorts.oasis: -1 must be a number of at least 0"),
        ({"weights": {"networks": ["ldm"]}}, "weights.networks: 'ldm' needs vq, which are trained for each cohort"),
        ({"contest": {"against": ["lineer"]}}, "contest.against: 'lineer' is not defined; did you mean 'linear'?"),
        (
            {"contest": {"cohorts": ["oasis"], "methods": ["linear", "ours"], "champion": "quartet"}},
            "contest.champion: 'quartet' is not one of contest.methods",
        ),
        (
            {"contest": {"cohorts": ["oasis"], "methods": ["quartet", "ours"], "champion": "quartet"}},
            "contest.against: 'linear' is not one of contest.methods",
        ),
        (
            {"contest": {"cohorts": ["oasis"], "methods": ["quartet", "truth"], "against": [], "champion": "quartet"}},
            "contest.methods: none is a rival of the champion",
        ),
        (
            {"contest": {"cohorts": ["oasis"], "parts_folds": [1, 6]}},
            "contest.parts_folds: 6 is more than study.folds, 5",
        ),
        (
            {"cohorts": {"oasis": {"patients": {"cv": 3, "test": 1, "test_ids": ["a", "b"]}}}},
            "cohorts.oasis.patients: test_ids names 2 patients and test is 1",
        ),
        (
            {"methods": {"ours": {"label": "one  label"}, "baseline": {"label": "one label"}}},
            "'one label' is the label of methods.",
        ),
        ({"cohorts": {"oasis": {"label": "A"}, "atlas": {"label": "A"}}}, "'A' is the label of cohorts."),
        (
            {"networks": {"new": {"class": "none", "size": {}, "training": {"steps": 1, "batch": 1}}}},
            "networks/none.py",
        ),
    ],
)
def test_invalid_value_is_refused_in_one_line(change, message):
    with pytest.raises(UserError) as caught:
        check(merged(**change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_as_text_are_converted():
    change = {"sampling": {"steps": "5", "quantise_interpolated": "false"}, "cohorts": {"oasis": {"axis": "2"}}}
    training = {"vq": {"training": {"batch": "3", "crop": "0.7", "rate_schedule": "one_cycle"}}}
    config = check(merged(**change, networks=training))
    assert config["sampling"]["steps"] == 5
    assert config["sampling"]["quantise_interpolated"] is False
    assert config["cohorts"]["oasis"]["axis"] == 2
    assert config["networks"]["vq"]["training"] | {"batch": 3, "crop": 0.7} == config["networks"]["vq"]["training"]
    assert config["networks"]["vq"]["training"]["rate_schedule"] == "one_cycle"


def test_null_as_text_is_null_where_the_schema_allows_it():
    config = check(merged(viewer={"cohort": "null"}, study={"stand_in": "null"}, survey={"answers": "null"}))
    assert (config["viewer"]["cohort"], config["study"]["stand_in"], config["survey"]["answers"]) == (None, None, None)


def test_needed_networks_are_in_training_order():
    config = check(merged())
    assert needed_networks(config, "ours")[:2] == ["vq", "ldm"]
    assert needed_networks(config, "linear") == []


def test_partial_config_is_completed_by_the_shipped_one():
    few = {"seed": 3, "study": {"methods": ["linear"]}}
    assert complete(few)
    check(few)
    assert few["seed"] == 3
    assert few["study"]["methods"] == ["linear"]
    assert len(few["study"]["cohorts"]) == 6
    assert Path(few["zoom"]["sheet"]).is_file()


def test_complete_config_is_unchanged():
    mine = merged()
    del mine["figures"]["fig26"]
    before = copy.deepcopy(mine)
    assert not complete(mine)
    assert mine == before


def test_tilde_in_a_path_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    config = check(
        merged(
            results="~/results",
            data="~/data",
            zoom={"sheet": "~/zoom.tsv"},
            survey={"answers": "~/forms"},
            cohorts={"oasis": {"local": "~/oasis"}},
            networks={"vq": {"init": "~/vq.ckpt"}},
        )
    )
    assert config["results"] == "/home/me/results"
    assert config["data"] == "/home/me/data"
    assert config["zoom"]["sheet"] == "/home/me/zoom.tsv"
    assert config["survey"]["answers"] == "/home/me/forms"
    assert config["cohorts"]["oasis"]["local"] == "/home/me/oasis"
    assert config["networks"]["vq"]["init"] == "/home/me/vq.ckpt"


def test_schema_check_and_models_name_the_same_solvers():
    """The config is checked without PyTorch, so the names are written three times."""
    import yaml

    from benchmark.config.cross_check import SOLVERS
    from benchmark.config.schema import SCHEMA
    from models.schedule import SAMPLERS

    schema = yaml.safe_load(SCHEMA.read_text())
    named = schema["properties"]["samplers"]["properties"]["named"]["additionalProperties"]["properties"]["sampler"]
    assert (
        list(SOLVERS) == list(SAMPLERS) == schema["$defs"]["solver"]["properties"]["sampler"]["enum"] == named["enum"]
    )


def test_a_default_that_is_written_down_changes_no_parameter():
    """Snakemake compares parameters as texts, so their keys need one order, whatever the order in the file."""
    plain, written = check(merged()), merged()
    written["preprocess"] = {"scaling": "volume"} | written.get("preprocess", {})
    written["networks"]["wdsr"] = {"shared": False} | written["networks"]["wdsr"]
    written["methods"]["ours"] = {"kind": "method"} | written["methods"]["ours"]
    written = check(written)
    for block, key in (("networks", "wdsr"), ("methods", "ours")):
        assert repr(written[block][key]) == repr(plain[block][key])
    assert repr(written["preprocess"]) == repr(plain["preprocess"])
    assert list(written["methods"]) == list(plain["methods"])  # the order of a catalogue is the user's
