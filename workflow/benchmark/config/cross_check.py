"""The parts of the config against each other: every name is defined, and blocks fit each other.

An error that would stop a late job is refused here, before hours of training.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from benchmark.config import recipe
from benchmark.config.methods import check_networks
from benchmark.config.networks import about, class_of, keeps_resolution, needed_networks, study_networks
from benchmark.config.schema import default
from benchmark.errors import UserError, known

SOLVERS = ("ddim", "plms", "dpm++", "dpm++sde", "unipc")
"""The solvers of ``models.schedule``, which is not imported because it imports PyTorch."""


def cross_check(config: dict[str, Any]) -> None:
    """``UserError``: one line with the first part that does not fit. Names of samplers get their settings, in place."""
    for network in config["networks"].values():
        network.setdefault("init", None)
        network.setdefault("shared", False)
    for what in ("cohorts", "methods"):
        known(f"study.{what}", config["study"][what], config[what])
    _test_patients(config)
    _contest(config)
    _labels(config)
    _weights(config)
    _shown_cohorts(config)
    known("zoom.prefer", config["zoom"]["prefer"], config["methods"])
    known("zoom.train", config["zoom"]["train"], config["methods"])
    for where in ("study", "contest"):
        for name in config[where]["methods"]:
            if keeps_resolution(config, name):
                raise UserError(
                    f"config: {where}.methods: '{name}' keeps the in-plane resolution (factor: 1 in its network's "
                    "size), the study's slices are 4 times coarser; use it only for zoom"
                )
    for name in dict.fromkeys(config["study"]["methods"] + _in_contest(config) + config["zoom"]["train"]):
        known(f"methods.{name}.networks", config["methods"][name]["networks"], config["networks"])
        check_networks(config, name)
    for name, network in config["networks"].items():
        known(f"networks.{name}.needs", network["needs"], config["networks"])
        about(class_of(config, name))
    _needs_end(config["networks"])
    for_zoom = [network for method in config["zoom"]["train"] for network in needed_networks(config, method)]
    for name in dict.fromkeys(study_networks(config) + for_zoom + config["weights"]["networks"]):
        recipe.trainable(config, name)
    if hidden := [name for name in config["samplers"]["named"] if name in SOLVERS]:
        raise UserError(f"config: samplers.named: '{hidden[0]}' is the name of a solver; choose another name")
    for where, sampling in _samplings(config):
        known(f"{where}.sampler", [sampling["sampler"]], [*SOLVERS, *config["samplers"]["named"]])
        sampling.update(config["samplers"]["named"].get(sampling["sampler"], {}))
    for where, sampler, steps in _solvers(config):
        if sampler in ("ddim", "plms") and not reaches_noise(steps):
            raise UserError(
                f"config: {where}: {steps} steps of {sampler} would not begin at the noise; choose a divisor of 1000, "
                "or at most 250"
            )


def _needs_end(networks: Mapping[str, Any]) -> None:
    """``UserError`` for a network that needs itself, directly or through other networks."""
    ended: set[str] = set()
    for name in networks:
        path = [(name, iter(networks[name]["needs"]))]
        while path:
            other = next(path[-1][1], None)
            if other is None:
                ended.add(path.pop()[0])
            elif other in (names := [one for one, _ in path]):
                circle = " → ".join([*names[names.index(other) :], other])
                raise UserError(f"config: networks.{other}.needs: it would need itself ({circle}); take one out")
            elif other not in ended:
                path.append((other, iter(networks[other]["needs"])))


def _test_patients(config: Mapping[str, Any]) -> None:
    """``UserError`` if a cohort names more or fewer test patients than it has."""
    for name, cohort in config["cohorts"].items():
        named, number = cohort["patients"].get("test_ids"), cohort["patients"]["test"]
        if named is not None and len(named) != number:
            raise UserError(
                f"config: cohorts.{name}.patients: test_ids names {len(named)} patients and test is {number}; make "
                "them equal"
            )


def _labels(config: Mapping[str, Any]) -> None:
    """``UserError`` if two methods or two cohorts of the study and the contest have one label: tables could not tell
    the two apart, and figures would show one of the two or a mean."""
    used = {
        "methods": config["study"]["methods"] + _in_contest(config),
        "cohorts": config["study"]["cohorts"] + config["contest"]["cohorts"],
    }
    for what, names in used.items():
        owners: dict[str, str] = {}
        for name in names:
            label = " ".join(config[what][name]["label"].split())
            if (other := owners.setdefault(label, name)) != name:
                raise UserError(
                    f"config: {what}.{name}.label: '{label}' is the label of {what}.{other} too; change one of the two"
                )


def _contest(config: Mapping[str, Any]) -> None:
    """``UserError`` if the contest's tables could not be made from its scores."""
    contest = config["contest"]
    known("contest.cohorts", contest["cohorts"], config["cohorts"])
    for key, names in (("methods", contest["methods"]), ("against", contest["against"]), ("parts", _parts(contest))):
        known(f"contest.{key}", names, config["methods"])
    if not contest["cohorts"]:
        return
    for key, names in (("champion", [contest["champion"]]), ("against", contest["against"])):
        if stray := [name for name in names if name not in contest["methods"]]:
            raise UserError(f"config: contest.{key}: '{stray[0]}' is not one of contest.methods; add it there")
    if not contest_rivals(contest, config["methods"]):
        raise UserError(
            "config: contest.methods: none is a rival of the champion; add a method with other networks that is not an "
            "oracle"
        )
    if max(contest["parts_folds"]) > config["study"]["folds"]:
        raise UserError(
            f"config: contest.parts_folds: {max(contest['parts_folds'])} is more than study.folds, "
            f"{config['study']['folds']}"
        )


def _parts(contest: Mapping[str, Any]) -> list[str]:
    """The methods of the contest's table of parts."""
    return [name for group in contest["parts"] for name in (group["of"], *group["variants"])]


def _in_contest(config: Mapping[str, Any]) -> list[str]:
    """The methods that the contest restores."""
    return config["contest"]["methods"] + _parts(config["contest"])


def _shown_cohorts(config: Mapping[str, Any]) -> None:
    """``UserError`` if a table, figure or page names a cohort that is not defined: it would be left out.

    The defaults of ``efficiency``, ``survey`` and ``viewer`` are cohorts of the article, and a config with other
    cohorts need not define them.
    """
    known("samplers.cohorts", config["samplers"]["cohorts"], config["cohorts"])
    for name, figure in config["figures"].items():
        known(f"figures.{name}.cohort", [figure["cohort"]] if "cohort" in figure else [], config["cohorts"])
    for block in ("efficiency", "survey", "viewer"):
        cohort = config[block]["cohort"]
        if cohort not in (None, default(block, "cohort")):
            known(f"{block}.cohort", [cohort], config["cohorts"])


def contest_rivals(contest: Mapping[str, Any], methods: Mapping[str, Any]) -> list[str]:
    """The contest's methods except the champion, oracles, and variants of the champion with the same networks."""
    champion = methods[contest["champion"]]["networks"]
    return [
        name
        for name in contest["methods"]
        if name != contest["champion"] and methods[name]["kind"] != "oracle"
        if not champion or methods[name]["networks"] != champion
    ]


def _weights(config: Mapping[str, Any]) -> None:
    """``UserError`` for a network or share that `snakemake weights` cannot use."""
    weights = config["weights"]
    known("weights.networks", weights["networks"], config["networks"])
    known("weights.cohorts", weights["cohorts"], config["cohorts"])
    for name in weights["networks"]:
        if needs := config["networks"][name]["needs"]:
            raise UserError(
                f"config: weights.networks: '{name}' needs {', '.join(needs)}, which are trained for each cohort; "
                "choose networks without `needs`"
            )
    for cohort, share in weights["cohorts"].items():
        if isinstance(share, bool) or not isinstance(share, int | float) or share < 0:
            raise UserError(f"config: weights.cohorts.{cohort}: {share!r} must be a number of at least 0")


def reaches_noise(steps: int) -> bool:
    """Whether DDIM and PLMS can take this many of the 1000 times of the noise schedule: at a stride of ⌊1000 / T⌋ they
    must begin near the noise. ``models.sampling``, which imports PyTorch, raises an error for the same numbers."""
    return steps < 1000 and steps * (1000 // steps) >= 799


def _solvers(config: Mapping[str, Any]) -> Iterable[tuple[str, str, int]]:
    """Every number of sampling steps in the config: its place, the solver, the number."""
    sampling = config["sampling"]
    yield "sampling.steps", sampling["sampler"], sampling["steps"]
    for name, method in config["methods"].items():
        own = sampling | method["options"]
        yield f"methods.{name}.options.steps", own["sampler"], own["steps"]
    for name, network in config["networks"].items():
        if steps := network["training"].get("sampling_steps"):
            place = f"networks.{name}.training.sampling_steps"
            yield place, network["training"].get("sampler", "ddim"), steps
    for place, rows in (
        ("settings", config["samplers"]["settings"]),
        ("curve", config["samplers"]["curve"]["settings"]),
    ):
        for row in rows:
            for steps in row["steps"]:
                yield f"samplers.{place}", row["sampler"], steps


def _samplings(config: dict[str, Any]) -> Iterable[tuple[str, dict[str, Any]]]:
    """The sampling blocks of the config, with their places; a named choice is replaced by its settings."""
    yield "sampling", config["sampling"]
    for name, chosen in config["methods"].items():
        if "sampler" in chosen["options"]:
            yield f"methods.{name}.options", chosen["options"]
