"""Inputs of zooming: the sheet of scans, and the weights for its rows."""

import re

from benchmark.config.recipe import files_of
from zoom.choice import AUTO, SHIPPED, preferred, refuse_unusable
from zoom.metadata import sidecars
from zoom.names import is_derivative
from zoom.rows import read_rows


@lru_cache
def zoom_sheet():
    """The rows of the sheet. UserError: the sheet is missing or wrong."""
    return read_rows(
        config["zoom"]["sheet"],
        config["zoom"]["in_plane"],
        results=RESULTS,
        data=DATA,
    )


def zoom_rows():
    """The rows of the sheet; one clear line if it is missing or wrong."""
    try:
        return zoom_sheet()
    except UserError as error:
        refuse(str(error))


def zoom_row(wildcards):
    name = getattr(wildcards, "name", None)
    if name is None:  # a BIDS name in two parts
        name = f"{wildcards.start}_desc-zoom{wildcards.end}"
    rows = zoom_rows()
    if name not in rows:
        refuse(f"{config['zoom']['sheet']}: no row '{name}'")
    return rows[name]


def is_uncertain(row):
    """Whether a row has a map of the spread."""
    return bool(row.requested.get("uncertainty", config["zoom"]["uncertainty"]))


def spread_of(name):
    """The name of the map of the spread next to the volume `name`."""
    if is_derivative(name):
        start, _, end = name.partition("_desc-zoom")
        return f"{start}_desc-zoomspread{end}"
    return f"{name}_spread"


def rows_with_spread(bids):
    """Names of the rows with `uncertainty`: those of BIDS derivatives, or the others."""
    try:
        rows = zoom_sheet().values()
    except UserError:  # Snakemake is ended when a scan is wanted
        return []
    return [
        row.name
        for row in rows
        if is_uncertain(row) and is_derivative(row.name) == bids
    ]


def with_spread():
    """Names of the volumes of the rows with `uncertainty`, and of their maps."""
    names = rows_with_spread(bids=True) + rows_with_spread(bids=False)
    return names + [spread_of(name) for name in names]


def zoom_method(row):
    """The method of a row; None for the first method that can use the row's weights or the shipped weights."""
    sheet_path = config["zoom"]["sheet"]
    in_plane = row.requested.get("in_plane", config["zoom"]["in_plane"])
    method = row.requested.get("method")
    if method == AUTO:  # chosen by the weights
        method = None
    if method is None and row.trained:
        of_many_cohorts = set(config["weights"]["networks"])  # no study trains these
        own = (
            key
            for key in preferred(config, in_plane)
            if not of_many_cohorts & set(config["methods"][key]["networks"])
        )
        method = next(own, None)
        if method is None:
            refuse(
                f"{sheet_path}: {row.name}: the weights are trained first, so name the method"
            )
    if method is None and "weights" not in row.requested:
        method = config["zoom"]["method"]
    if method == AUTO:
        return None
    if method is not None:
        try:
            refuse_unusable(config, method, in_plane)
        except UserError as error:
            refuse(f"{sheet_path}: {row.name}: {error}")
    return method


def zoom_evaluates_networks(wildcards):
    method = zoom_method(zoom_row(wildcards))
    return method is None or bool(config["methods"][method]["networks"])


def zoom_settings(wildcards):
    """The parts of the config on which a row's volume and page depend."""
    row = zoom_row(wildcards)
    method = zoom_method(row)
    methods = [method] if method else list(config["methods"])
    choice = () if method else ("method", "prefer")
    settings = {
        "zoom": {
            key: value
            for key, value in config["zoom"].items()
            if key not in {"sheet", "train", "method", "prefer"} - {*choice}
        },
        "percentile": config["preprocess"]["percentile"],
        "seed": config["seed"],
        "compute": part(config["compute"], "device", "threads", "half"),
        "methods": {
            m: part(config["methods"][m], "label", "class", "networks")
            | {"options": method_options(config, m), "code": method_code(m)}
            for m in methods
        },
    }
    if row.trained:
        cohort, _ = row.trained
        settings["trained_on"] = config["cohorts"].get(cohort, {}).get("label", cohort)
    return settings


def zoom_weights(wildcards):
    """Files of weights that a row needs, shipped ones included; they are trained first if necessary."""
    row = zoom_row(wildcards)
    method = zoom_method(row)
    if row.trained:
        return method_weights(*row.trained, method)
    if "weights" in row.requested:
        return [file for path in row.requested["weights"] for file in files_of(path)]
    shipped_weights = sorted(SHIPPED.glob("*.safetensors"))
    return [
        str(path)
        for path in shipped_weights
        if method is None or path.stem in config["methods"][method]["networks"]
    ]


def zoom_sidecars(wildcards):
    """Files next to a scan that describe it; the slice thickness may be from one of these."""
    scan = Path(zoom_row(wildcards).scan)
    return [str(path) for path in sidecars(scan)]


def zoom_images():
    """The volumes of all rows, and the maps of the spread."""
    for name, row in zoom_rows().items():
        yield f"{RESULTS}/zoom/{name}.nii.gz"
        if is_uncertain(row):
            yield f"{RESULTS}/zoom/{spread_of(name)}.nii.gz"


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
    if spread:
        files["spread"] = f"{RESULTS}/zoom/{spread}.nii.gz"
        files["spread_sidecar"] = f"{RESULTS}/zoom/{spread}.json"
    return files


def trained_for_zoom():
    """Weights that only your own scans need, not the study."""
    networks = [n for m in config["zoom"]["train"] for n in needed_networks(config, m)]
    return [
        path
        for cohort in COHORTS
        for fold in FOLDS
        for path in weights_of(cohort, fold, networks)
    ]
