"""Samplers, steps and η (section 3.6, table 6), and what n new slices cost (section 3.7)."""

SAMPLED = next((m for m in METHODS if "ldm" in config["methods"][m]["networks"]), None)


def in_study(cohorts):
    """Those of the cohorts that are in the study, or the one that stands in for them."""
    return [c for c in cohorts if c in COHORTS] or ([STAND_IN] if STAND_IN else [])


SAMPLER_COHORTS = in_study(config["samplers"]["cohorts"]) if SAMPLED else []
EFFICIENCY_COHORT = in_study([config["efficiency"]["cohort"]])[:1] if SAMPLED else []
# η belongs to DDIM; other samplers have `none` in the names of their files.
SETTINGS = [
    (row["sampler"], steps, f"{eta:g}" if row["sampler"] == "ddim" else "none")
    for row in config["samplers"]["settings"]
    for steps in row["steps"]
    for eta in row.get("eta", [1] if row["sampler"] == "ddim" else [0])
]


def timed_patients(wildcards):
    subjects = sheet.test(cohort_sheet(wildcards.cohort))
    return subjects[: config["samplers"].get("patients", len(subjects))]


def sampling_params(method):
    return slug(config["methods"][method], "class", "networks", "options") | {"name": method} if method else {}


rule sampler:
    """Scores and sampling time of one setting of the sampler on one cohort."""
    input:
        volumes=lambda w: volumes(w.cohort, timed_patients(w)),
        removals=lambda w: [f"{RESULTS}/protocol/{w.cohort}/{s}.tsv" for s in timed_patients(w)],
        weights=lambda w: weights_of(w.cohort, 1, config["methods"][SAMPLED]["networks"]).values(),
        trunk=f"{DATA}/trunks/alex.safetensors",
    output:
        f"{RESULTS}/samplers/{{cohort}}/{{sampler}}_{{steps}}_{{eta}}.csv",
    log:
        f"{RESULTS}/logs/sampler/{{cohort}}/{{sampler}}_{{steps}}_{{eta}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/sampler/{{cohort}}/{{sampler}}_{{steps}}_{{eta}}.tsv"
    wildcard_constraints:
        sampler=r"[a-z0-9+]+",
        steps=r"\d+",
        eta=r"none|[\d.]+",
    threads: config["compute"]["threads"]
    resources:
        gpu=1,
    params:
        method=sampling_params(SAMPLED),
        sampling=config["sampling"],
        repeats=config["samplers"]["repeats"],
        dataset=lambda w: config["cohorts"][w.cohort]["reader"],
        seed=config["seed"],
        compute=slug(config["compute"], "device", "threads"),
    script:
        "../scripts/sampler.py"


rule sampler_table:
    """Table 6: every setting of the sampler beside the published one."""
    input:
        [
            f"{RESULTS}/samplers/{cohort}/{sampler}_{steps}_{eta}.csv"
            for sampler, steps, eta in SETTINGS
            for cohort in SAMPLER_COHORTS
        ],
    output:
        csv=f"{RESULTS}/tables/table6.csv",
        md=f"{RESULTS}/tables/table6.md",
        tex=f"{RESULTS}/tables/table6.tex",
        html=report(
            f"{RESULTS}/tables/table6.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "6", "shows": "samplers, steps and η"},
        ),
        caption=f"{RESULTS}/tables/table6.rst",
    log:
        f"{RESULTS}/logs/tables/table6.log",
    params:
        where=", ".join(config["cohorts"][c]["label"] for c in SAMPLER_COHORTS)
        + f", {config['methods'][SAMPLED]['label'] if SAMPLED else ''}",
    script:
        "../scripts/sampler_table.py"


rule efficiency:
    """Time and memory of n new slices in every gap, for a range of n, on the first test patient."""
    input:
        volumes=lambda w: volumes(w.cohort, sheet.test(cohort_sheet(w.cohort))[:1]),
        weights=lambda w: weights_of(w.cohort, 1, config["methods"][SAMPLED]["networks"]).values(),
    output:
        f"{RESULTS}/efficiency/{{cohort}}.csv",
    log:
        f"{RESULTS}/logs/efficiency/{{cohort}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/efficiency/{{cohort}}.tsv"
    threads: config["compute"]["threads"]
    resources:
        gpu=1,
    params:
        method=sampling_params(SAMPLED),
        sampling=config["sampling"],
        plan=slug(config["efficiency"], "n", "repeats", "slices"),
        dataset=lambda w: config["cohorts"][w.cohort]["reader"],
        seed=config["seed"],
        compute=slug(config["compute"], "device", "threads"),
    script:
        "../scripts/efficiency.py"


rule efficiency_table:
    """What n costs beside the published seconds, and whether it is linear in n with memory flat."""
    input:
        expand(f"{RESULTS}/efficiency/{{cohort}}.csv", cohort=EFFICIENCY_COHORT),
    output:
        csv=f"{RESULTS}/tables/efficiency.csv",
        md=f"{RESULTS}/tables/efficiency.md",
        tex=f"{RESULTS}/tables/efficiency.tex",
        html=report(
            f"{RESULTS}/tables/efficiency.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "efficiency", "shows": "what n new slices cost"},
        ),
        caption=f"{RESULTS}/tables/efficiency.rst",
    log:
        f"{RESULTS}/logs/tables/efficiency.log",
    params:
        where=", ".join(config["cohorts"][c]["label"] for c in EFFICIENCY_COHORT)
        + f", first test patient, {config['methods'][SAMPLED]['label'] if SAMPLED else ''}",
    script:
        "../scripts/efficiency_table.py"
