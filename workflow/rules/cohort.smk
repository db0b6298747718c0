"""Who is in the study: a seeded draw from what the dataset lists, fetched, checked, written as a sheet."""


checkpoint cohort:
    """Draw a cohort, fetch its scans and write the sheet."""
    output:
        f"{RESULTS}/cohorts/{{cohort}}.tsv",
    log:
        f"{RESULTS}/logs/cohort/{{cohort}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cohort/{{cohort}}.tsv"
    localrule: True
    params:
        cohort=lambda w: slug(
            config["cohorts"][w.cohort],
            *("reader", "modality", "local", "options", "slices", "patients", "partial"),
        ),
        folds=config["study"]["folds"],
        seed=config["seed"],
        data=DATA,
    script:
        "../scripts/cohort.py"


rule cohorts:
    """All cohort sheets: everything is fetched after this."""
    input:
        expand(f"{RESULTS}/cohorts/{{cohort}}.tsv", cohort=COHORTS),
