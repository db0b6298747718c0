"""Scans of one's own: the sheet `zoom.sheet`, one finer volume, page and description a row."""

from zoom.choice import preferred
from zoom.sheet import read_rows


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
    """Zoom one scan. With `uncertainty`, the map of the spread lies beside."""
    input:
        scan=lambda w: zoom_row(w).scan,
        weights=zoom_weights,
    output:
        image=f"{RESULTS}/zoom/{{name}}.nii.gz",
        sidecar=f"{RESULTS}/zoom/{{name}}.json",
        page=report(
            f"{RESULTS}/zoom/{{name}}.html",
            caption="../report/zoom.rst",
            category="Zoomed scans",
            labels={"scan": "{name}"},
        ),
    log:
        f"{RESULTS}/logs/zoom/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/zoom/{{name}}.tsv"
    wildcard_constraints:
        name=".+",
    conda:
        "../../envs/benchmark.yaml"
    threads: lambda w: config["compute"]["threads"] if zoom_networks(w) else 1
    resources:
        **on_gpu(
            lambda w: 3600,
            memory=lambda w: config["zoom"]["memory"] * 1000,
            needed=lambda w: bool(zoom_networks(w)),
        ),
    params:
        folder=lambda w: f"{RESULTS}/zoom",
        row=lambda w: {"given": dict(zoom_row(w).given), "named": zoom_row(w).named},
        zoom={key: value for key, value in config["zoom"].items() if key != "sheet"},
        seed=config["seed"],
    script:
        "../scripts/zoom.py"


rule zoom:
    """All scans of the sheet."""
    input:
        lambda w: [f"{RESULTS}/zoom/{name}.nii.gz" for name in zoom_rows()],
