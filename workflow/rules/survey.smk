"""The blinded survey (section 3.5.5, table 5): a form to send out, its key, and the scored answers."""


rule survey_kit:
    """One sequence of new slices per method, under random codes, in a self-contained form, and the key."""
    input:
        gaps=needed(
            [
                f"{RESULTS}/gaps/{c}/{m}"
                for c in PLAN.survey.cohort
                for m in PLAN.survey.methods
            ],
            outside("survey", [config["survey"]["cohort"]]),
        ),
        detail=expand(f"{RESULTS}/detail/{{cohort}}.tsv", cohort=PLAN.survey.cohort),
        form=str(PACKAGE / "survey" / "form.html"),
    output:
        form=f"{RESULTS}/survey/kit/survey.html",
        key=f"{RESULTS}/survey/key.csv",
    log:
        f"{RESULTS}/logs/survey_kit.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        gap=PLAN.survey.gap,
        methods=PLAN.survey.methods,
        seed=config["seed"],
    script:
        "../scripts/survey_kit.py"


rule survey:
    """The kit: send out survey/kit/survey.html, keep survey/key.csv."""
    input:
        rules.survey_kit.output,


rule survey_table:
    """Table 5: the scores of the returned forms; without forms, only the published levels."""
    input:
        key=rules.survey_kit.output.key,
        sheets=sheets(PLAN.survey.cohort),
        answers=returned_forms(),
        paper=f"{PAPER}/survey.csv",
    output:
        **table_files("table5", "survey of radiologists"),
    log:
        f"{RESULTS}/logs/tables/table5.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        labels={m: config["methods"][m]["label"] for m in PLAN.survey.methods},
        frame=PLAN.study.frame(PLAN.survey.cohort),
        where=f"{PLAN.study.label(PLAN.survey.cohort)}, {config['survey']['n']} new slices",
    script:
        "../scripts/survey_table.py"
