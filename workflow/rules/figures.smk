"""Every figure of the article; a line of the config's `figures` describes each figure."""


rule detail:
    """The detail of each slice of the test patients, by which figures choose their slices."""
    input:
        volumes=test_volumes,
        removals=test_removals,
    output:
        f"{RESULTS}/detail/{{cohort}}.tsv",
    log:
        f"{RESULTS}/logs/detail/{{cohort}}.log",
    conda:
        "../../envs/benchmark.yaml"
    params:
        cohort=lambda w: part(
            config["cohorts"][w.cohort],
            "reader",
            "modality",
            "local",
            "slices",
            "options",
        ),
        code=lambda w: code("datasets", config["cohorts"][w.cohort]["reader"]),
        data=DATA,
    script:
        "../scripts/detail.py"


rule gaps:
    """New slices between two slices by one method, for the figures and the survey."""
    input:
        detail=f"{RESULTS}/detail/{{cohort}}.tsv",
        volumes=test_volumes,
        weights=lambda w: method_weights(w.cohort, figure_fold(w.method), w.method),
    output:
        directory(f"{RESULTS}/gaps/{{cohort}}/{{method}}"),
    log:
        f"{RESULTS}/logs/gaps/{{cohort}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gaps/{{cohort}}/{{method}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: lambda w: config["compute"]["threads"] if figure_fold(w.method) else 1
    resources:
        **on_gpu(
            restoring_seconds(patients=1), needed=lambda w: figure_fold(w.method) > 0
        ),
    params:
        gaps=lambda w: PLAN.gaps(w.cohort, w.method),
        restoration=lambda w: restoration_params(w.cohort, w.method),
        code=lambda w: method_code(w.method),
    script:
        "../scripts/gaps.py"


rule figure:
    """One figure, as described by its line in the config, with its caption."""
    input:
        unpack(figure_input),
        style=str(PACKAGE / "print" / "figures.mplstyle"),
    output:
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda w: {
                "figure": PLAN.figures.title(w.figure),
                "cohort": PLAN.figures.scene(w.figure)["cohort"],
            },
        ),
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        caption=f"{RESULTS}/figures/{{figure}}.rst",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure=one_of(f for f in config["figures"] if not PLAN.figures.diagram(f)),
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        scene=lambda w: PLAN.figures.scene(w.figure),
        code=lambda w: code("figures", config["figures"][w.figure]["draw"]),
    script:
        "../scripts/figure.py"


rule diagram:
    """One of the article's diagrams, drawn from the config only."""
    output:
        png=report(
            f"{RESULTS}/figures/{{diagram}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda w: {
                "figure": PLAN.figures.title(w.diagram),
                "cohort": "diagram",
            },
        ),
        pdf=f"{RESULTS}/figures/{{diagram}}.pdf",
        caption=f"{RESULTS}/figures/{{diagram}}.rst",
    log:
        f"{RESULTS}/logs/figures/{{diagram}}.log",
    wildcard_constraints:
        diagram=one_of(f for f in PLAN.figures.drawn if PLAN.figures.diagram(f)),
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        setting=lambda w: PLAN.figures.setting(w.diagram),
        code=lambda w: code("figures", config["figures"][w.diagram]["draw"]),
    script:
        "../scripts/diagram.py"


rule overview:
    """A middle slice of every cohort, upright, so that a wrong axis is visible."""
    input:
        details=expand(f"{RESULTS}/detail/{{cohort}}.tsv", cohort=COHORTS),
    output:
        png=report(
            f"{RESULTS}/figures/cohorts.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": COHORTS_SHOWN, "cohort": "all"},
        ),
        pdf=f"{RESULTS}/figures/cohorts.pdf",
        caption=f"{RESULTS}/figures/cohorts.rst",
    log:
        f"{RESULTS}/logs/figures/cohorts.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        planes={
            config["cohorts"][c]["label"]: str(config["cohorts"][c]["axis"])
            for c in COHORTS
        },
        volumes=[f"{RESULTS}/volumes/{c}" for c in COHORTS],
    script:
        "../scripts/overview.py"


rule viewer:
    """Whole volumes of one test patient in the browser: truth, linear, the article's method and the best method."""
    input:
        detail=f"{RESULTS}/detail/{{cohort}}.tsv",
        volumes=viewed_volumes,
        restored=[
            f"{RESULTS}/restored/{{cohort}}/fold{figure_fold(m)}/{m}"
            for m in PLAN.viewer.methods
        ],
        scores=[
            f"{RESULTS}/scores/{{cohort}}/fold{figure_fold(m)}/{m}.csv"
            for m in PLAN.viewer.methods
        ],
    output:
        report(
            f"{RESULTS}/viewer/{{cohort}}.html",
            caption="../report/viewer.rst",
            category="Figures",
            labels={
                "figure": "Whole volumes, next to the truth",
                "cohort": PLAN.study.label(PLAN.viewer.cohort),
            },
        ),
    log:
        f"{RESULTS}/logs/viewer/{{cohort}}.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        about=PLAN.viewer.about,
    script:
        "../scripts/viewer.py"


rule figures:
    """All figures, the page with all figures, and whole volumes of one patient."""
    input:
        f"{RESULTS}/figures/index.html",
        expand(f"{RESULTS}/viewer/{{cohort}}.html", cohort=PLAN.viewer.cohort),
