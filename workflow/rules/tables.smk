"""Every table of the article, beside the published figures."""

PAPER = str(ROOT / "config" / "paper")
STAND_IN = config["study"]["stand_in"]


def cohorts_of_table(table):
    """The study's cohorts that go into one of the tables 1–4, or the one that stands in for them."""
    own = [c for c in COHORTS if config["cohorts"][c]["table"] == int(table)]
    if not own and STAND_IN is None:
        raise WorkflowError(
            f"table {table}: no cohort of this study goes into it; add one to study.cohorts, or name one as "
            "study.stand_in"
        )
    return own or [STAND_IN]


def sheets(cohorts):
    return [f"{RESULTS}/cohorts/{cohort}.tsv" for cohort in cohorts]


def labels(cohorts):
    """What of the config is printed: a changed label makes the table again, and nothing else does."""
    return {
        "study": slug(config["study"], "folds", "methods"),
        "cohorts": {
            c: slug(config["cohorts"][c], "label", "paper", "patients", "partial")
            for c in cohorts
        },
        "methods": {m: slug(config["methods"][m], "label", "kind") for m in METHODS},
    }


TABLES = [
    table
    for table in (1, 2, 3, 4)
    if STAND_IN or any(config["cohorts"][c]["table"] == table for c in COHORTS)
]


rule score_table:
    """One of the tables 1–4: the scores of the removed slices, mean ± sd over folds."""
    input:
        scores=lambda w: score_files(cohorts_of_table(w.table)),
        sheets=lambda w: sheets(cohorts_of_table(w.table)),
        paper=[f"{PAPER}/{name}.csv" for name in ("scores", "flags", "cohorts")],
    output:
        csv=f"{RESULTS}/tables/table{{table}}.csv",
        md=f"{RESULTS}/tables/table{{table}}.md",
        tex=f"{RESULTS}/tables/table{{table}}.tex",
        html=report(
            f"{RESULTS}/tables/table{{table}}.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}", "shows": "scores of the removed slices"},
        ),
        caption=f"{RESULTS}/tables/table{{table}}.rst",
    log:
        f"{RESULTS}/logs/tables/table{{table}}.log",
    wildcard_constraints:
        table="[1-4]",
    params:
        labels=lambda w: labels(cohorts_of_table(w.table)),
        stand_in=lambda w: cohorts_of_table(w.table) == [STAND_IN]
        and config["cohorts"][STAND_IN]["table"] != int(w.table),
    script:
        "../scripts/score_table.py"


rule cost:
    """Wall time and peak memory of every job up to the scores."""
    input:
        score_files(COHORTS),
    output:
        csv=f"{RESULTS}/tables/cost.csv",
        md=f"{RESULTS}/tables/cost.md",
        tex=f"{RESULTS}/tables/cost.tex",
        html=report(
            f"{RESULTS}/tables/cost.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "cost", "shows": "time and memory of every job"},
        ),
        caption=f"{RESULTS}/tables/cost.rst",
    log:
        f"{RESULTS}/logs/tables/cost.log",
    params:
        benchmarks=f"{RESULTS}/benchmarks",
    script:
        "../scripts/cost.py"


rule tables:
    """All tables."""
    input:
        expand(f"{RESULTS}/tables/table{{table}}.csv", table=TABLES),
        f"{RESULTS}/tables/cost.csv",
