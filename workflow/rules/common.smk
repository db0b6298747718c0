"""Used by all stages: the checked config, the cohort sheets, the names of files."""

import copy
import os
import sys
from functools import lru_cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

ROOT = Path(str(workflow.current_basedir)).parents[1]
if (ROOT / "workflow" / "benchmark").is_dir():
    # A clone. If Snakemake reads this file from a repository's address, the library is an installed package.
    sys.path[:0] = [str(ROOT / "workflow"), str(ROOT)]
    # scripts run in their own processes, on any node, and import the same two packages
    os.environ |= {
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "workflow"), str(ROOT)]
            + [os.environ.get("PYTHONPATH")] * ("PYTHONPATH" in os.environ)
        )
    }
try:
    from benchmark.cohort import sheet
    from benchmark.config import check, complete, recipe
    from benchmark.config.code import code
    from benchmark.config.networks import class_of
    from benchmark.config.networks import labels as network_labels
    from benchmark.config.networks import needed_networks
    from benchmark.config.networks import options as method_options
    from benchmark.config.networks import study_networks
    from benchmark.errors import UserError, meant, without_secrets
    from benchmark.files import yaml_of
    from benchmark.plan.study import part as keys_of
    from benchmark.project import PACKAGE, shipped
except ImportError as error:
    raise WorkflowError(
        f"zoom-benchmark's library is not installed here, or has another version ({error}). A repository's address gives "
        "only the rules: pip install 'zoom-benchmark[study] @ git+ADDRESS@TAG', or name a clone's workflow/Snakefile"
    ) from None

try:
    for path in workflow.configfiles:  # Snakemake uses the last of equal keys
        if Path(path).suffix != ".json":
            yaml_of(path)
    incomplete = complete(config)
    # as the user wrote it, without defaults; `study_cost` changes it choice by choice
    CONFIG_AS_WRITTEN = copy.deepcopy(config)
    check(config)
except UserError as error:
    raise WorkflowError(str(error)) from None
if incomplete and workflow.is_main_process:
    print(
        f"config: incomplete, so its values are added to {shipped('config/config.yaml')}",
        file=sys.stderr,
    )
if workflow.modifier.path_modifier.replace_prefix("results") != "results":
    raise WorkflowError(
        "zoom-benchmark as a module takes no prefix: set `results:` (and `data:`) in the module's config instead"
    )

for block in config["cohorts"].values():
    for settings, key in ((block, "local"), (block["options"], "manifest")):
        if key in settings:
            settings[key] = settings[key].replace("{results}", config["results"])

if workflow.is_main_process:
    # One message with everything that the user must do before scans can be downloaded; planning continues.
    made = Path(config["results"], "layouts")  # by the workflow (rule layouts)
    undrawn = [
        c
        for c in config["study"]["cohorts"]
        if not Path(config["results"], "cohorts", f"{c}.tsv").exists()
        and not Path(config["cohorts"][c].get("local", "")).is_relative_to(made)
    ]
    if undrawn:
        from benchmark.datasets import explain_missing

        for line in explain_missing(
            {c: config["cohorts"][c] for c in undrawn}, config["data"]
        ):
            print(line, file=sys.stderr)

RESULTS = config["results"]
DATA = config["data"]
COHORTS = config["study"]["cohorts"]
METHODS = config["study"]["methods"]
FOLDS = list(range(1, config["study"]["folds"] + 1))
SHARED = [name for name, network in config["networks"].items() if network["shared"]]


def one_of(names):
    """A wildcard's constraint: one of these names."""
    return "|".join(sorted(names)) or "(?!)"


wildcard_constraints:
    cohort=one_of(config["cohorts"]),
    method=one_of(config["methods"]),
    network=one_of(config["networks"]),
    fold=one_of(map(str, [0, *FOLDS])),
    table=r"\d",


def refuse(reason):
    """Ends Snakemake with one line, for a target that the config excludes; no job has started yet.

    A WorkflowError of an input function is printed as nine lines with a traceback.
    """
    raise SystemExit(reason)


def folds_of(method):
    """Folds in which a method is restored: the folds of its networks, or fold 0 only if the method has no networks."""
    return FOLDS if config["methods"][method]["networks"] else [0]


@lru_cache
def read_cohort(path, changed):
    try:
        rows = sheet.read_sheet(path)
        sheet.check_folds(path, rows, len(FOLDS))
        return rows
    except UserError as error:
        raise WorkflowError(str(error)) from None


def cohort_sheet(cohort):
    """Rows of the cohort's sheet; Snakemake waits until the cohort is drawn (checkpoint)."""
    path = checkpoints.cohort.get(cohort=cohort).output[0]
    return read_cohort(path, os.stat(path).st_mtime_ns)


def volumes(cohort, subjects):
    return [f"{RESULTS}/volumes/{cohort}/{subject}.nii.gz" for subject in subjects]


def removals(cohort, subjects):
    """The files with the slices that the protocol removes from each volume."""
    return [f"{RESULTS}/protocol/{cohort}/{subject}.tsv" for subject in subjects]


def tested(cohort):
    """The cohort's test patients; one clear line if there are none."""
    if not config["cohorts"][cohort]["patients"]["test"]:
        refuse(
            f"cohort {cohort} has no test patients (patients.test: 0); it can only be restored by cross-validation: snakemake --cores 2 -- contest"
        )
    return sheet.test(cohort_sheet(cohort))


def test_volumes(wildcards):
    return volumes(wildcards.cohort, tested(wildcards.cohort))


def test_removals(wildcards):
    return removals(wildcards.cohort, tested(wildcards.cohort))


def weights_of(cohort, fold, networks):
    return [f"{RESULTS}/models/{cohort}/fold{fold}/{n}.safetensors" for n in networks]


def method_weights(cohort, fold, method):
    """The weights of a method's networks, from one fold's trainings."""
    return weights_of(cohort, fold, config["methods"][method]["networks"])


def restoration_params(cohort, method, **setting):
    """Arguments of `benchmark.jobs.restoration.Restoration` without weights and chunk.

    `setting`: options of the method's class that replace the config's. Without networks a job has one thread.
    """
    compute = part(config["compute"], "device", "threads", "half", "compile")
    return {
        "name": config["methods"][method].get("class", method),
        "options": method_options(config, method) | setting,
        "dataset": config["cohorts"][cohort]["reader"],
        "seed": config["seed"],
        "antialias": config["protocol"]["antialias"],
        **compute,
        "threads": compute["threads"] if config["methods"][method]["networks"] else 1,
    }


def method_code(method):
    """The code of a method's file, so that an edit re-runs the method."""
    return code("methods", config["methods"][method].get("class", method))


def network_code(network):
    """The code of a network's file, so that an edit trains the network again."""
    return code("networks", class_of(config, network))


def needed(files, reason):
    """The input function of a target that not every study has: the files, or one clear line if there are none."""

    def files_or_reason(wildcards):
        if not files:
            refuse(reason)
        return files

    return files_or_reason


def table_files(name, shows):
    """The files of a table as outputs of a rule; `shows`: the description in the report."""
    path = f"{RESULTS}/tables/{name}"
    return {
        "csv": f"{path}.csv",
        "md": f"{path}.md",
        "tex": f"{path}.tex",
        "html": report(
            f"{path}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": name.removeprefix("table"), "shows": shows},
        ),
        "caption": f"{path}.rst",
    }


def part(settings, *keys):
    """The named keys of a part of the config: a job re-runs only if one of these changes.

    Snakemake records parameters: logins in addresses are hidden, and a script that fetches reads the config itself.
    """
    return without_secrets(keys_of(settings, *keys))
