"""Scan → truth volume, and the slices that the protocol removes."""


rule preprocess:
    """Turn one scan upright, scale it, pad it; the sidecar describes how to undo these steps."""
    input:
        sheet=ancient(f"{RESULTS}/cohorts/{{cohort}}.tsv"),  # a new sheet changes the scan, or nothing
        scan=source,
    output:
        volume=f"{RESULTS}/volumes/{{cohort}}/{{subject}}.nii.gz",
        sidecar=f"{RESULTS}/volumes/{{cohort}}/{{subject}}.json",
    log:
        f"{RESULTS}/logs/preprocess/{{cohort}}/{{subject}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/preprocess/{{cohort}}/{{subject}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    params:
        cohort=lambda w: part(config["cohorts"][w.cohort], "reader", "axis", "slices"),
        preprocess=lambda w: config["preprocess"]
        | config["cohorts"][w.cohort].get("preprocess", {}),
    script:
        "../scripts/preprocess.py"


rule protocol:
    """Draw the slices to remove from one test volume."""
    input:
        f"{RESULTS}/volumes/{{cohort}}/{{subject}}.nii.gz",
    output:
        f"{RESULTS}/protocol/{{cohort}}/{{subject}}.tsv",
    log:
        f"{RESULTS}/logs/protocol/{{cohort}}/{{subject}}.log",
    conda:
        "../../envs/benchmark.yaml"
    params:
        fraction=config["protocol"]["remove"],
        seed=config["seed"],
        dataset=lambda w: config["cohorts"][w.cohort]["reader"],
    script:
        "../scripts/protocol.py"
