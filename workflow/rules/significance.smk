"""Which method is better (section 3.4): almost stochastic order, one job per comparison."""


rule compare:
    """Is one method better than another on a cohort? Patients and slices, all metrics."""
    input:
        lambda w: score_files([w.cohort], dict.fromkeys([w.first, w.second])),
    output:
        f"{RESULTS}/significance/{{cohort}}/{{first}}-over-{{second}}.csv",
    log:
        f"{RESULTS}/logs/compare/{{cohort}}/{{first}}-over-{{second}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/compare/{{cohort}}/{{first}}-over-{{second}}.tsv"
    wildcard_constraints:
        first=one_of(config["methods"]),
        second=one_of(config["methods"]),
    conda:
        "../../envs/benchmark.yaml"
    params:
        options=config["significance"],
        claims=len(PLAN.study.claims) * len(COHORTS),
        seed=config["seed"],
    script:
        "../scripts/compare.py"


rule significance:
    """Table and heat map of every comparison."""
    input:
        compared=needed(
            [
                f"{RESULTS}/significance/{cohort}/{first}-over-{second}.csv"
                for cohort in COHORTS
                for first, second in PLAN.study.claims
            ],
            "significance: study.methods has no two methods to compare (oracles are not compared)",
        ),
        sheets=sheets(COHORTS),
    output:
        **table_files("significance", "which method is better"),
        png=report(
            f"{RESULTS}/figures/significance.png",
            caption="../report/heat_map.rst",
            category="Figures",
            labels={
                "figure": SIGNIFICANCE,
                "cohort": "all",
            },
        ),
        pdf=f"{RESULTS}/figures/significance.pdf",
        figure_caption=f"{RESULTS}/figures/significance.rst",
    log:
        f"{RESULTS}/logs/tables/significance.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        labels=PLAN.study.labels(COHORTS),
        frame=PLAN.study.frame(COHORTS),
    script:
        "../scripts/significance.py"
