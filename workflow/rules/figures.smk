"""Every figure of the article that shows data. What each shows is a line of the config's `figures`."""

PAIR = [m for m in ("ours", "baseline") if m in METHODS]
PAIR = PAIR if len(PAIR) == 2 else METHODS[:2]
NOT_ORACLES = [m for m in METHODS if config["methods"][m]["kind"] != "oracle"]
# Which methods a figure shows, by how it is drawn, unless its line names them.
SHOWN = {
    "scores": [m for m in METHODS if m != "truth"],
    "between": PAIR,
    "sequence": PAIR[:1],
    "source": [],
    "compare": NOT_ORACLES,
}


def cohort_of_figure(figure):
    """The figure's cohort, or the one that stands in for it where it is not in the study."""
    cohort = config["figures"][figure]["cohort"]
    return cohort if cohort in COHORTS else STAND_IN


def methods_of_figure(figure):
    spec = config["figures"][figure]
    return spec.get("methods") or SHOWN[spec["draw"]]


FIGURES = [
    figure
    for figure in sorted(config["figures"])
    if cohort_of_figure(figure) and set(methods_of_figure(figure)) <= set(METHODS)
]


def gap_spec(spec):
    """What of a figure's line says which new slices it needs; comparing wants a truth in the middle."""
    return slug(spec, "patient", "region", "n") | {
        "removed": spec.get("draw") == "compare"
    }


def draws_gaps(figure):
    spec = config["figures"][figure]
    return spec["draw"] in ("between", "sequence") or (
        spec["draw"] == "compare" and spec["n"] > 1
    )


def gaps_wanted(cohort, method):
    """All gaps that figures and the survey want of a method on a cohort, each once."""
    wanted = [
        gap_spec(config["figures"][figure])
        for figure in FIGURES
        if draws_gaps(figure)
        and cohort_of_figure(figure) == cohort
        and method in methods_of_figure(figure)
    ]
    if cohort in SURVEY_COHORT and method in SURVEYED:
        wanted.append(SURVEY_GAP)
    return [spec for i, spec in enumerate(wanted) if spec not in wanted[:i]]


def figure_fold(method):
    """The fold whose networks figures show."""
    return folds_of(method)[0]


rule detail:
    """How much detail each slice of the test patients has: figures choose their slices by it, never by hand."""
    input:
        volumes=test_volumes,
        removals=removals,
    output:
        f"{RESULTS}/detail/{{cohort}}.tsv",
    log:
        f"{RESULTS}/logs/detail/{{cohort}}.log",
    params:
        cohort=lambda w: slug(
            config["cohorts"][w.cohort],
            "reader",
            "modality",
            "local",
            "slices",
            "options",
        ),
        data=DATA,
    script:
        "../scripts/detail.py"


rule gaps:
    """New slices between two slices, as many as the figures and the survey want, by one method."""
    input:
        detail=f"{RESULTS}/detail/{{cohort}}.tsv",
        volumes=test_volumes,
        removals=removals,
        weights=lambda w: weights_of(
            w.cohort, figure_fold(w.method), config["methods"][w.method]["networks"]
        ).values(),
    output:
        directory(f"{RESULTS}/gaps/{{cohort}}/{{method}}"),
    log:
        f"{RESULTS}/logs/gaps/{{cohort}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gaps/{{cohort}}/{{method}}.tsv"
    threads: lambda w: config["compute"]["threads"] if figure_fold(w.method) else 1
    resources:
        gpu=lambda w: 1 if figure_fold(w.method) else 0,
    params:
        gaps=lambda w: gaps_wanted(w.cohort, w.method),
        method=lambda w: slug(
            config["methods"][w.method], "class", "networks", "options"
        ),
        sampling=lambda w: (
            config["sampling"]
            if "ldm" in config["methods"][w.method]["networks"]
            else {}
        ),
        dataset=lambda w: config["cohorts"][w.cohort]["reader"],
        seed=config["seed"],
        compute=slug(config["compute"], "device", "threads"),
    script:
        "../scripts/gaps.py"


def figure_input(wildcards):
    cohort, shown = cohort_of_figure(wildcards.figure), methods_of_figure(
        wildcards.figure
    )
    files = {"detail": f"{RESULTS}/detail/{cohort}.tsv"}
    files["volumes"] = volumes(cohort, sheet.test(cohort_sheet(cohort)))
    if draws_gaps(wildcards.figure):
        files["gaps"] = [f"{RESULTS}/gaps/{cohort}/{method}" for method in shown]
    elif config["figures"][wildcards.figure]["draw"] == "compare":
        files["restored"] = [
            f"{RESULTS}/restored/{cohort}/fold{figure_fold(method)}/{method}"
            for method in shown
        ]
    elif shown:
        files["scores"] = [
            f"{RESULTS}/scores/{cohort}/fold{figure_fold(method)}/{method}.csv"
            for method in shown
        ]
    return files


rule figure:
    """One figure, as its line in the config says, with a caption of its own."""
    input:
        unpack(figure_input),
        style=str(ROOT / "workflow" / "benchmark" / "resources" / "figures.mplstyle"),
    output:
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels=lambda w: {
                "figure": w.figure,
                "shows": config["figures"][w.figure]["draw"],
                "cohort": config["cohorts"][cohort_of_figure(w.figure)]["label"],
            },
        ),
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        caption=f"{RESULTS}/figures/{{figure}}.rst",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    wildcard_constraints:
        figure=r"fig\d\d",
    params:
        scene=lambda w: {
            "figure": w.figure,
            "spec": config["figures"][w.figure]
            | gap_spec(config["figures"][w.figure]),
            "cohort": config["cohorts"][cohort_of_figure(w.figure)]["label"],
            "pair": PAIR,
            "methods": methods_of_figure(w.figure),
            "labels": {m: config["methods"][m]["label"] for m in METHODS},
            "fold": 1,
            "folds": config["study"]["folds"],
            "stand_in": cohort_of_figure(w.figure)
            != config["figures"][w.figure]["cohort"],
        },
    script:
        "../scripts/figure.py"


rule figures:
    """All figures."""
    input:
        expand(f"{RESULTS}/figures/{{figure}}.png", figure=FIGURES),
