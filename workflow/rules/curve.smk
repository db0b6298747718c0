"""Few steps for the same picture: scores against the number of evaluations (config: samplers.curve)."""


rule sampler_line:
    """Scores of one solver at every number of steps, on one cohort."""
    input:
        volumes=lambda w: volumes(w.cohort, timed_patients(w)),
        removals=lambda w: [
            f"{RESULTS}/protocol/{w.cohort}/{s}.tsv" for s in timed_patients(w)
        ],
        weights=lambda w: weights_of(
            w.cohort, 1, config["methods"][PLAN.sampled]["networks"]
        ).values(),
        trunk=f"{DATA}/trunks/alex.safetensors",
    output:
        f"{RESULTS}/curve/{{cohort}}/{{sampler}}_{{eta}}_{{noise}}.csv",
    log:
        f"{RESULTS}/logs/sampler_line/{{cohort}}/{{sampler}}_{{eta}}_{{noise}}.log",
    wildcard_constraints:
        sampler=r"[a-z0-9+]+",
        eta=r"none|[\d.]+",
        noise="independent|shared",
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(restoring_seconds(PLAN.sampled, passes=3)),
    params:
        steps=lambda w: PLAN.curve[(w.sampler, w.eta, w.noise)],
        method=method_params(PLAN.sampled),
        sampling=config["sampling"],
        dataset=lambda w: config["cohorts"][w.cohort]["reader"],
        seed=config["seed"],
        compute=slug(config["compute"], "device", "threads", "half", "compile"),
    script:
        "../scripts/sampler_line.py"


rule sampler_curve:
    """Scores against the number of evaluations: a table, a figure, and the fewest that do."""
    input:
        [
            f"{RESULTS}/curve/{cohort}/{'_'.join(line)}.csv"
            for line in PLAN.curve
            for cohort in PLAN.sampler_cohorts
        ],
    output:
        csv=f"{RESULTS}/tables/sampler_curve.csv",
        md=f"{RESULTS}/tables/sampler_curve.md",
        tex=f"{RESULTS}/tables/sampler_curve.tex",
        html=report(
            f"{RESULTS}/tables/sampler_curve.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "curve", "shows": "scores by number of evaluations"},
        ),
        caption=f"{RESULTS}/tables/sampler_curve.rst",
        png=report(
            f"{RESULTS}/figures/sampler_curve.png",
            caption="../report/sampler_curve.rst",
            category="Figures",
            labels={
                "figure": "sampler_curve",
                "shows": "scores by number of evaluations",
                "cohort": "all",
            },
        ),
        pdf=f"{RESULTS}/figures/sampler_curve.pdf",
        about=f"{RESULTS}/figures/sampler_curve.rst",
    log:
        f"{RESULTS}/logs/tables/sampler_curve.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        where=f"{PLAN.label(PLAN.sampler_cohorts)}, {config['methods'].get(PLAN.sampled, {}).get('label')}",
    script:
        "../scripts/sampler_curve.py"
