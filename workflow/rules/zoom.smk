"""Scans of one's own: the sheet `zoom.sheet`, one finer volume, page and description a row."""


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
