"""What zooming takes in: the sheet of scans, and the weights that its rows wait for."""

from benchmark.zoom.choice import preferred
from benchmark.zoom.sheet import read_rows


@lru_cache
def zoom_rows():
    try:
        return read_rows(config["zoom"]["sheet"], results=RESULTS, data=DATA)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def zoom_row(wildcards):
    rows = zoom_rows()
    if wildcards.name not in rows:
        raise WorkflowError(f"{config['zoom']['sheet']}: no row '{wildcards.name}'")
    return rows[wildcards.name]


def zoom_networks(wildcards):
    row = zoom_row(wildcards)
    method = row.given.get("method", config["zoom"]["method"])
    if row.trained and "method" not in row.given:
        in_plane = row.given.get("in_plane", config["zoom"]["in_plane"])
        method, *_ = preferred(config, in_plane) or [None]
        if method is None:
            raise WorkflowError(
                f"{config['zoom']['sheet']}: {row.name}: weights are trained when they are needed: name the method"
            )
    if method not in config["methods"]:
        raise WorkflowError(
            f"{config['zoom']['sheet']}: method '{method}' is not in the config"
        )
    return config["methods"][method]["networks"]


def zoom_weights(wildcards):
    """Files of weights that a row waits for: trained here if they have to be."""
    row = zoom_row(wildcards)
    if row.trained:
        return list(weights_of(*row.trained, zoom_networks(wildcards)).values())
    return [path for path in row.given.get("weights", ()) if os.path.isfile(path)]


def trained_for_zoom():
    """Weights that the study has no use for and a scan of one's own has."""
    networks = [n for m in config["zoom"]["train"] for n in needed_networks(config, m)]
    return [
        path
        for cohort in COHORTS
        for fold in FOLDS
        for path in weights_of(cohort, fold, networks).values()
    ]
