"""What zooming takes in: the sheet of scans, and the weights that its rows wait for."""

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
    method = zoom_row(wildcards).given.get("method", config["zoom"]["method"])
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
