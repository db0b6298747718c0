"""The pages about the whole study: time and memory of every job, gallery of every figure, and the verdict."""


rule cost:
    """Wall time and peak memory of every job before the tables."""
    input:
        expand(f"{RESULTS}/tables/{{table}}.csv", table=PLAN.tables.names),
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=PLAN.figures.names),
    output:
        **table_files("cost", "time and memory of every job"),
    log:
        f"{RESULTS}/logs/tables/cost.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        benchmarks=f"{RESULTS}/benchmarks",
    script:
        "../scripts/cost.py"


GALLERY = {figure: PLAN.figures.title(figure) for figure in PLAN.figures.names}
GALLERY |= {"significance": SIGNIFICANCE} if PLAN.study.claims else {}
if PLAN.samplers.curve and PLAN.samplers.cohorts:
    GALLERY["sampler_curve"] = SAMPLERS_SHOWN
GALLERY["cohorts"] = COHORTS_SHOWN


rule gallery:
    """All figures with their captions on one page."""
    input:
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=GALLERY),
    output:
        f"{RESULTS}/figures/index.html",
    log:
        f"{RESULTS}/logs/gallery.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        names=GALLERY,
    script:
        "../scripts/gallery.py"


rule verdict:
    """What was run, how far it agrees with the article, which method wins, what is open: the first page of the
    report."""
    input:
        tables=expand(f"{RESULTS}/tables/{{table}}.csv", table=PLAN.tables.scores),
        others=expand(f"{RESULTS}/tables/{{table}}.csv", table=PLAN.tables.others),
        sheets=sheets(COHORTS),
        paper=f"{PAPER}/cohorts.csv",
        pictures=expand(
            f"{RESULTS}/figures/{{figure}}.png", figure=PLAN.figures.opening
        ),
    output:
        rst=f"{RESULTS}/verdict.rst",
        html=report(
            f"{RESULTS}/verdict.html",
            caption="../report/verdict.rst",
            category="Verdict",
            labels={"page": "verdict"},
        ),
    log:
        f"{RESULTS}/logs/verdict.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        labels=PLAN.study.labels(COHORTS),
        pictures=[PLAN.figures.title(figure) for figure in PLAN.figures.opening],
        config={
            key: config[key]
            for key in (
                "recipe",
                "minutes",
                "study",
                "protocol",
                "preprocess",
                "sampling",
                "methods",
            )
        }
        | {
            "frame": PLAN.study.frame(COHORTS),
            "networks": {
                name: part(n, "init", "shared", "class", "needs", "size", "training")
                for name, n in config["networks"].items()
            },
        },
    script:
        "../scripts/verdict.py"
