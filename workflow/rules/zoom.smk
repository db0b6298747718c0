"""Your own scans: the sheet `zoom.sheet`, with one finer volume, page and description per row."""


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
        sidecars=zoom_sidecars,
    output:
        **zoom_outputs("{name}"),
    log:
        f"{RESULTS}/logs/zoom/{{name}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/zoom/{{name}}.tsv"
    wildcard_constraints:
        name=rf"(?!({one_of(map(re.escape, with_spread()))})\.(nii\.gz|json|html)$).+",
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
        row=lambda w: {
            "requested": dict(zoom_row(w).requested),
            "named": zoom_row(w).named,
        },
        settings=zoom_settings,
    script:
        "../scripts/zoom.py"


use rule zoom_scan as zoom_scan_with_spread with:
    output:
        **zoom_outputs("{name}", spread="{name}_spread"),
    wildcard_constraints:
        name=one_of(map(re.escape, rows_with_spread(bids=False))),


use rule zoom_scan as zoom_bids_scan_with_spread with:
    output:
        **zoom_outputs("{start}_desc-zoom{end}", spread="{start}_desc-zoomspread{end}"),
    log:
        f"{RESULTS}/logs/zoom/{{start}}_desc-zoom{{end}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/zoom/{{start}}_desc-zoom{{end}}.tsv"
    wildcard_constraints:
        start=one_of(
            re.escape(name.partition("_desc-zoom")[0])
            for name in rows_with_spread(bids=True)
        ),
        end=one_of(
            re.escape(name.partition("_desc-zoom")[2])
            for name in rows_with_spread(bids=True)
        ),


# A start and an end of different rows may make the name of a row without `uncertainty`.
ruleorder: zoom_scan > zoom_bids_scan_with_spread


rule zoom:
    """All scans of the sheet."""
    input:
        lambda w: list(zoom_images()),


rule eclare:
    """ECLARE, a program of other authors (GPL-3), in its own environment; only `zoom.truth --rivals eclare` runs it."""
    input:
        pins=workflow.source_path("../../envs/eclare.txt"),
    output:
        program=f"{DATA}/rivals/eclare/bin/run-eclare",
    log:
        f"{RESULTS}/logs/eclare.log",
    retries: 0  # a refused download would be refused again
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    script:
        "../scripts/rival.py"
