"""Who is in the study: a seeded draw from what the dataset lists, fetched, checked, written as a sheet."""


LAYOUTS = f"{RESULTS}/layouts"


rule layouts:
    """The four datasets in their true layouts, filled with phantoms: what the smoke run reads."""
    output:
        [directory(f"{LAYOUTS}/{name}") for name in ("oasis", "atlas", "openneuro", "brats")],
    log:
        f"{RESULTS}/logs/layouts.log",
    params:
        folder=LAYOUTS,
        seed=config["seed"],
    localrule: True
    script:
        "../scripts/layouts.py"


def made_layout(wildcards):
    """The layout that a cohort reads, where it is one of those the workflow makes."""
    local = config["cohorts"][wildcards.cohort].get("local", "")
    inside = Path(local).is_relative_to(LAYOUTS)
    return [f"{LAYOUTS}/{Path(local).relative_to(LAYOUTS).parts[0]}"] if inside else []


checkpoint cohort:
    """Draw a cohort, fetch its scans and write the sheet."""
    input:
        made_layout,
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
