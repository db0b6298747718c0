"""Recipes: the user's settings override them; lengths in steps or epochs are converted in one place."""

import copy

import pytest
from configs import merged

from benchmark.config import check, recipe
from benchmark.errors import UserError


def test_default_recipe_has_the_authors_settings():
    config = check(merged())
    networks = config["networks"]
    ldm = networks["ldm"]["training"]
    assert config["recipe"] == "authors"
    assert (ldm["epochs"], ldm["batch"], ldm["base_rate"], ldm["crop_at"]) == (15, 8, 4.5e-7, "centre")
    assert (networks["vq"]["init"], networks["ldm"]["init"]) == ("public:bsr_4x", "public:bsr_4x")
    assert networks["vq"]["shared"]
    assert not networks["ldm"]["shared"]
    assert networks["srgan"]["init"] is None


def test_scratch_recipe_has_no_initial_weights_and_no_shared_network():
    networks = check(merged(recipe="scratch"))["networks"]
    assert {(n["init"], n["shared"]) for n in networks.values()} == {(None, False)}
    assert networks["vq"]["training"]["steps"] == 100_000
    assert networks["ldm"]["training"]["steps"] == 200_000
    assert networks["quartet_plain"]["training"]["steps"] == 100_000  # a class of quartet
    assert networks["quartet_plain"]["training"]["perceptual_weight"] == 0


@pytest.mark.parametrize("name", ["demo", "smoke", "contest", "short"])
def test_small_studies_start_from_random_weights(name):
    assert all(network["init"] is None for network in check(merged(name))["networks"].values())


def test_user_settings_override_the_recipe():
    mine = {"ldm": {"init": None, "training": {"steps": 70, "base_rate": 1.0}}, "vq": {"training": {"epochs": 2}}}
    networks = check(merged(networks=mine))["networks"]
    assert networks["ldm"]["init"] is None
    assert networks["ldm"]["training"]["steps"] == 70
    assert "epochs" not in networks["ldm"]["training"]
    assert networks["ldm"]["training"]["base_rate"] == 1.0
    assert networks["ldm"]["training"]["batch"] == 8  # the recipe's
    assert networks["vq"]["training"]["epochs"] == 2


def test_recipe_applied_twice_changes_nothing():
    config = check(merged())
    before = copy.deepcopy(config)
    assert check(config) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": "author"}, "recipe: 'author' is not defined; did you mean 'authors'?"),
        (
            {"recipe": "mine", "recipes": {"mine": {"vq": {"training": {"steps": 1, "batch": 1}}}}},
            "networks.ldm.training: set either steps or epochs (recipe mine sets none)",
        ),
        (
            {"networks": {"vq": {"training": {"steps": 1, "epochs": 1}}}},
            "networks.vq.training: set either steps or epochs",
        ),
        (
            {"recipe": "mine", "recipes": {"mine": {"vq": {"training": {"steps": 1}}}}},
            "networks.vq.training: batch is missing",
        ),
        ({"networks": {"vq": {"init": "public:brs_4x"}}}, "networks.vq.init: 'brs_4x' is not defined; did you mean"),
        ({"recipes": {"mine": {"vq": {"size": {}}}}}, "recipes.mine.vq: unknown key 'size'"),
    ],
)
def test_invalid_recipe_is_refused_in_one_line(change, message):
    with pytest.raises(UserError) as caught:
        check(merged(**change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_recipe_needs_only_the_networks_of_the_study():
    check(
        merged(recipe="mine", recipes={"mine": {"quartet": {"training": {"steps": 1}}}}, study={"methods": ["quartet"]})
    )


def test_epochs_are_converted_to_steps_by_slices_batch_and_devices():
    training = {"epochs": 15, "batch": 4, "warm_up": 0.5, "lower_at": [0.25, 500], "rate": 0.5}
    assert recipe.steps_of(training, 2176, devices=2) == 4080
    assert recipe.settled(training, 2176, devices=2) == {
        "batch": 4,
        "warm_up": 2040,
        "lower_at": [1020, 500],
        "rate": 0.5,
        "steps": 4080,
    }
    assert recipe.steps_of({"epochs": 0.01, "batch": 16}, 10) == 1
    assert recipe.steps_of({"steps": 7, "batch": 16}, 10) == 7


def test_public_weights_path_is_the_download_or_the_users(tmp_path):
    config = check(merged(data="here"))
    assert recipe.start(config, "vq") == "here/public/bsr_4x.ckpt"
    assert recipe.files_at_start(config, "ldm") == ["here/public/bsr_4x.ckpt"]
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("{}")
    config["public_weights"]["bsr_4x"]["local"] = str(tmp_path)
    assert recipe.start(config, "vq") == str(tmp_path)
    assert recipe.files_at_start(config, "vq") == [str(tmp_path / "unet" / "config.json")]  # replaced: trained again
    config["networks"]["vq"]["init"] = str(tmp_path / "mine.ckpt")
    assert recipe.files_at_start(config, "vq") == []  # planned without it
    (tmp_path / "mine.ckpt").touch()
    assert recipe.files_at_start(config, "vq") == [str(tmp_path / "mine.ckpt")]
    assert recipe.files_at_start(config, "wdsr") == []
    assert recipe.start(config, "wdsr") is None
