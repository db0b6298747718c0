"""The patients of the study: a seeded draw from the dataset's list, downloaded, checked, written as a sheet."""


rule layouts:
    """The datasets in their true layouts, filled with phantoms, for the smoke run."""
    output:
        [
            directory(f"{LAYOUTS}/{name}")
            for name in ("oasis_trt", "oasis", "atlas", "openneuro", "brats")
        ],
    log:
        f"{RESULTS}/logs/layouts.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        folder=lambda w, output: os.path.dirname(output[0]),
        seed=config["seed"],
    script:
        "../scripts/layouts.py"


checkpoint cohort:
    """Draw a cohort, download its scans and write the sheet."""
    input:
        made_layout,
    output:
        f"{RESULTS}/cohorts/{{cohort}}.tsv",
    log:
        f"{RESULTS}/logs/cohort/{{cohort}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/cohort/{{cohort}}.tsv"
    retries: 0  # a refused download would be refused again
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        cohort=lambda w: part(
            config["cohorts"][w.cohort],
            *(
                "reader",
                "modality",
                "local",
                "options",
                "slices",
                "patients",
                "partial",
            ),
        ),
        code=lambda w: code("datasets", config["cohorts"][w.cohort]["reader"]),
        folds=config["study"]["folds"],
        seed=config["seed"],
        data=DATA,
    script:
        "../scripts/cohort.py"


rule cohorts:
    """All downloads: the cohorts' scans with their sheets, LPIPS's features, public weights. Later jobs need no network."""
    input:
        expand(f"{RESULTS}/cohorts/{{cohort}}.tsv", cohort=COHORTS),
        expand(f"{DATA}/trunks/{{net}}.safetensors", net=["alex", "vgg"]),
        public_downloads(),
