"""The contest: all patients of a cohort, restored with networks that never saw them, for several gap widths; and its
tables."""


rule contest_scores:
    """Restore and score the patients that a fold held out, with one method."""
    input:
        volumes=lambda w: volumes(w.cohort, held_out(w)),
        removals=lambda w: removals(w.cohort, held_out(w)),
        weights=lambda w: method_weights(w.cohort, w.fold, w.method),
        alex=f"{DATA}/trunks/alex.safetensors",
        vgg=f"{DATA}/trunks/vgg.safetensors",
    output:
        f"{RESULTS}/contest/{{cohort}}/fold{{fold}}/{{method}}.csv",
    log:
        f"{RESULTS}/logs/contest/{{cohort}}/fold{{fold}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/contest/{{cohort}}/fold{{fold}}/{{method}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: lambda w: config["compute"]["threads"] if w.fold != "0" else 1
    resources:
        **on_gpu(
            restoring_seconds(
                # the protocol samples almost all slices; a gap of n new slices samples one slice in n + 1
                patients=lambda w: demand.held_out(config, w.cohort, int(w.fold)),
                passes=1 + sum(1 / (n + 1) for n in CONTEST["new"]),
            ),
            needed=lambda w: w.fold != "0",
        ),
    params:
        contest=part(CONTEST, "new", "gaps"),
        restoration=lambda w: restoration_params(w.cohort, w.method),
        code=lambda w: method_code(w.method),
    script:
        "../scripts/contest_scores.py"


rule contest_tables:
    """Which method wins, how certain this is, and the gain of each part."""
    input:
        scores=needed(
            contest_files(CONTEST["methods"], FOLDS),
            "contest: contest.cohorts names no cohort; add the cohorts whose patients are restored",
        ),
        parts=contest_parts(),
        sheets=sheets(CONTEST["cohorts"]),
    output:
        multiext(f"{RESULTS}/tables/contest", ".csv", ".md", ".tex", ".rst"),
        multiext(f"{RESULTS}/tables/contest_certainty", ".csv", ".md", ".tex", ".rst"),
        multiext(f"{RESULTS}/tables/contest_parts", ".csv", ".md", ".tex", ".rst"),
        report(
            expand(
                f"{RESULTS}/tables/{{table}}.html",
                table=["contest", "contest_certainty", "contest_parts"],
            ),
            category="Contest",
        ),
    log:
        f"{RESULTS}/logs/tables/contest.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        about=part(config, "contest", "methods", "cohorts")
        | {
            "shared": with_shared_networks(CONTEST["methods"]),
            "features": {m: PLAN.study.features(m) for m in CONTEST["methods"]},
        },
        frame=PLAN.study.frame(CONTEST["cohorts"]),
        options=config["significance"] | {"seed": config["seed"]},
    script:
        "../scripts/contest_tables.py"


rule contest_figure:
    """The champion, its rivals and the truth on the slice with the most detail, with maps of the error."""
    input:
        volumes=lambda w: volumes(w.cohort, pictured(w)),
        removals=lambda w: removals(w.cohort, pictured(w)),
        scores=contest_files(CONTEST["methods"], FOLDS),
        weights=lambda w: list(
            dict.fromkeys(
                path
                for m in CONTEST["methods"]
                for path in method_weights(w.cohort, 1, m)
            )
        ),
    output:
        png=report(
            f"{RESULTS}/figures/contest_{{cohort}}.png",
            caption="../report/figure.rst",
            category="Contest",
            labels={"figure": "contest", "cohort": "{cohort}"},
        ),
        pdf=f"{RESULTS}/figures/contest_{{cohort}}.pdf",
        caption=f"{RESULTS}/figures/contest_{{cohort}}.rst",
    log:
        f"{RESULTS}/logs/figures/contest_{{cohort}}.log",
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(lambda w: 600),
    params:
        labels=lambda w: PLAN.study.labels([w.cohort], CONTEST["methods"]),
        restorations=lambda w: {
            m: restoration_params(w.cohort, m) for m in CONTEST["methods"]
        },
        weights=lambda w: {
            m: method_weights(w.cohort, 1, m) for m in CONTEST["methods"]
        },
        code=[method_code(m) for m in CONTEST["methods"]],
    script:
        "../scripts/contest_figure.py"


rule contest:
    """Every table and figure of the contest."""
    input:
        rules.contest_tables.output,
        expand(rules.contest_figure.output.png, cohort=CONTEST["cohorts"]),
