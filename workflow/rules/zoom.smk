"""Scans of one's own: the sheet `zoom.sheet`, one finer volume, page and description a row."""

import re

from zoom.choice import AUTO, preferred
from zoom.names import is_derivative
from zoom.sheet import read_rows


@lru_cache
def zoom_rows():
    try:
        return read_rows(config["zoom"]["sheet"], results=RESULTS, data=DATA)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def zoom_row(wildcards):
    name = getattr(wildcards, "name", None)
    if name is None:  # a BIDS name in two parts
        name = f"{wildcards.start}_desc-zoom{wildcards.end}"
    rows = zoom_rows()
    if name not in rows:
        raise WorkflowError(f"{config['zoom']['sheet']}: no row '{name}'")
    return rows[name]


def rows_with_spread(bids):
    """Names of the rows with `uncertainty`: those of BIDS derivatives, or the others."""
    try:
        rows = zoom_rows().values()
    except WorkflowError:  # it is raised when a scan is wanted
        return []
    return [
        re.escape(row.name)
        for row in rows
        if row.given.get("uncertainty", config["zoom"]["uncertainty"])
        and is_derivative(row.name) == bids
    ]


def zoom_method(row):
    """The method of a row; None if it is the first one that the row's weights, or those that ship, serve."""
    sheet_path = config["zoom"]["sheet"]
    method = row.given.get("method")
    if method == AUTO:  # found by the weights
        method = None
    if method is None and row.trained:
        in_plane = row.given.get("in_plane", config["zoom"]["in_plane"])
        shipped = set(
            config["weights"]["networks"]
        )  # trained by `weights`, on several cohorts
        own = (
            key
            for key in preferred(config, in_plane)
            if not shipped & set(config["methods"][key]["networks"])
        )
        method = next(own, None)
        if method is None:
            raise WorkflowError(
                f"{sheet_path}: {row.name}: weights are trained when they are needed: name the method"
            )
    if method is None and "weights" not in row.given:
        method = config["zoom"]["method"]
    if method == AUTO:
        return None
    if method is not None and method not in config["methods"]:
        raise WorkflowError(f"{sheet_path}: method '{method}' is not in the config")
    return method


def zoom_evaluates_networks(wildcards):
    method = zoom_method(zoom_row(wildcards))
    return method is None or bool(config["methods"][method]["networks"])


def zoom_settings(wildcards):
    """The parts of the config that a row's volume and page depend on."""
    row = zoom_row(wildcards)
    method = zoom_method(row)
    methods = [method] if method else list(config["methods"])
    settings = {
        "zoom": {key: value for key, value in config["zoom"].items() if key != "sheet"},
        "percentile": config["preprocess"]["percentile"],
        "seed": config["seed"],
        "compute": slug(config["compute"], "device", "threads", "half"),
        "methods": {
            m: slug(config["methods"][m], "label", "class", "networks")
            | {"options": method_options(config, m)}
            for m in methods
        },
    }
    if row.trained:
        cohort, _ = row.trained
        settings["trained_on"] = config["cohorts"].get(cohort, {}).get("label", cohort)
    return settings


def zoom_weights(wildcards):
    """Files of weights that a row waits for: trained here if they have to be."""
    row = zoom_row(wildcards)
    if row.trained:
        networks = config["methods"][zoom_method(row)]["networks"]
        return list(weights_of(*row.trained, networks).values())
    return [path for path in row.given.get("weights", ()) if os.path.isfile(path)]


def zoom_outputs(name, spread=None):
    """The files of one zoom as outputs of a rule."""
    files = {
        "image": f"{RESULTS}/zoom/{name}.nii.gz",
        "sidecar": f"{RESULTS}/zoom/{name}.json",
        "page": report(
            f"{RESULTS}/zoom/{name}.html",
            caption="../report/zoom.rst",
            category="Zoomed scans",
            labels={"scan": name},
        ),
    }
    return files | ({"spread": f"{RESULTS}/zoom/{spread}.nii.gz"} if spread else {})


def trained_for_zoom():
    """Weights that the study has no use for and a scan of one's own has."""
    networks = [n for m in config["zoom"]["train"] for n in needed_networks(config, m)]
    return [
        path
        for cohort in COHORTS
        for fold in FOLDS
        for path in weights_of(cohort, fold, networks).values()
    ]


rule zoom_phantom:
    """A thick-sliced scan made by code, for the example sheet."""
    output:
        f"{DATA}/phantom/thick.nii.gz",
    log:
        f"{RESULTS}/logs/zoom_phantom.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        seed=config["seed"],
    script:
        "../scripts/zoom_phantom.py"


rule zoom_scan:
    """Zoom one scan."""
    input:
        scan=lambda w: zoom_row(w).scan,
        weights=zoom_weights,
    output:
        **zoom_outputs("{name}"),
    log:
        f"{RESULTS}/logs/zoom/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/zoom/{{name}}.tsv"
    wildcard_constraints:
        name=rf"(?!({one_of(rows_with_spread(bids=True) + rows_with_spread(bids=False))})\.(nii\.gz|json|html)$).+",
    conda:
        "../../envs/benchmark.yaml"
    threads: lambda w: config["compute"]["threads"] if zoom_evaluates_networks(w) else 1
    resources:
        **on_gpu(
            lambda w: 3600,
            memory=lambda w: config["zoom"]["memory"] * 1000,
            needed=zoom_evaluates_networks,
        ),
    params:
        folder=lambda w: f"{RESULTS}/zoom",
        row=lambda w: {"given": dict(zoom_row(w).given), "named": zoom_row(w).named},
        settings=zoom_settings,
    script:
        "../scripts/zoom.py"


use rule zoom_scan as zoom_scan_with_spread with:
    output:
        **zoom_outputs("{name}", spread="{name}_spread"),
    wildcard_constraints:
        name=one_of(rows_with_spread(bids=False)),


use rule zoom_scan as zoom_bids_scan_with_spread with:
    output:
        **zoom_outputs("{start}_desc-zoom{end}", spread="{start}_desc-zoomspread{end}"),
    log:
        f"{RESULTS}/logs/zoom/{{start}}_desc-zoom{{end}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/zoom/{{start}}_desc-zoom{{end}}.tsv"
    wildcard_constraints:
        start=one_of(
            name.partition("_desc\\-zoom")[0] for name in rows_with_spread(bids=True)
        ),
        end=one_of(
            name.partition("_desc\\-zoom")[2] for name in rows_with_spread(bids=True)
        ),


# A start and an end of different rows may make the name of a row without `uncertainty`.
ruleorder: zoom_scan > zoom_bids_scan_with_spread


rule zoom:
    """All scans of the sheet."""
    input:
        lambda w: [f"{RESULTS}/zoom/{name}.nii.gz" for name in zoom_rows()],
