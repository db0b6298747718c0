"""Every table of the article, next to the published numbers."""


rule score_table:
    """One of the tables 1–4: the scores of the removed slices, mean ± sd over folds."""
    input:
        scores=lambda w: score_files(table_cohorts(w)),
        sheets=lambda w: sheets(table_cohorts(w)),
        paper=[f"{PAPER}/{name}.csv" for name in ("scores", "flags", "cohorts")],
    output:
        **table_files("table{table}", "scores of the removed slices"),
    log:
        f"{RESULTS}/logs/tables/table{{table}}.log",
    wildcard_constraints:
        table="[1-4]",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        labels=lambda w: PLAN.study.labels(table_cohorts(w)),
        frame=lambda w: PLAN.study.frame(table_cohorts(w)),
        stand_in=lambda w: PLAN.tables.stands_for(w.table),
    script:
        "../scripts/score_table.py"


rule tables:
    """All tables."""
    input:
        expand(
            f"{RESULTS}/tables/{{table}}.csv",
            table=PLAN.tables.names
            + ["cost"]
            + (["networks"] if COMPARED else [])
            + (
                ["sampler_curve"]
                if PLAN.samplers.curve and PLAN.samplers.cohorts
                else []
            ),
        ),
        f"{RESULTS}/verdict.html",
