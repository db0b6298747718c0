"""Samplers, steps and η (section 3.6, table 6), and time and memory for n new slices (section 3.7)."""


rule sampler:
    """Scores and sampling time of one setting of the sampler on one cohort."""
    input:
        volumes=lambda w: volumes(w.cohort, timed_patients(w)),
        removals=lambda w: removals(w.cohort, timed_patients(w)),
        weights=sampling_weights,
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
    conda:
        "../../envs/benchmark.yaml"
    threads: alone()
    resources:
        **on_gpu(
            restoring_seconds(
                PLAN.samplers.method, passes=config["samplers"]["repeats"]
            )
        ),
    params:
        restoration=lambda w: restoration_params(
            w.cohort, PLAN.samplers.method, **solver(w), steps=int(w.steps)
        ),
        code=lambda w: method_code(PLAN.samplers.method),
        repeats=config["samplers"]["repeats"],
    script:
        "../scripts/sampler.py"


rule sampler_table:
    """Table 6: every setting of the sampler, next to the published numbers."""
    input:
        measured=sampler_inputs(
            "table 6",
            config["samplers"]["cohorts"],
            PLAN.samplers.settings,
            [
                f"{RESULTS}/samplers/{cohort}/{sampler}_{steps}_{eta}.csv"
                for sampler, steps, eta in PLAN.samplers.settings
                for cohort in PLAN.samplers.cohorts
            ],
        ),
        sheets=sheets(PLAN.samplers.cohorts),
        paper=[f"{PAPER}/{name}.csv" for name in ("samplers", "flags")],
    output:
        **table_files("table6", "samplers, steps and η"),
    log:
        f"{RESULTS}/logs/tables/table6.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        frame=PLAN.study.frame(PLAN.samplers.cohorts),
        where=PLAN.samplers.where,
    script:
        "../scripts/sampler_table.py"


rule efficiency:
    """Time and memory of n new slices in every gap, for a range of n, on the first test patient."""
    input:
        volumes=lambda w: volumes(w.cohort, tested(w.cohort)[:1]),
        weights=sampling_weights,
    output:
        f"{RESULTS}/efficiency/{{cohort}}.csv",
    log:
        f"{RESULTS}/logs/efficiency/{{cohort}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/efficiency/{{cohort}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: alone()
    resources:
        **on_gpu(
            restoring_seconds(
                PLAN.samplers.method,
                patients=1,
                passes=sum(config["efficiency"]["n"])
                * config["efficiency"]["repeats"],
            )
        ),
    params:
        restoration=lambda w: restoration_params(w.cohort, PLAN.samplers.method),
        code=lambda w: method_code(PLAN.samplers.method),
        plan=part(config["efficiency"], "n", "repeats", "slices"),
    script:
        "../scripts/efficiency.py"


rule efficiency_table:
    """Time and memory for n new slices, next to the published numbers; is time linear in n, is memory flat?"""
    input:
        measured=sampler_inputs(
            "efficiency",
            [config["efficiency"]["cohort"]],
            config["efficiency"]["n"],
            expand(
                f"{RESULTS}/efficiency/{{cohort}}.csv",
                cohort=PLAN.samplers.efficiency_cohort,
            ),
        ),
        sheets=sheets(PLAN.samplers.efficiency_cohort),
        paper=f"{PAPER}/efficiency.csv",
    output:
        **table_files("efficiency", "time and memory of n new slices"),
    log:
        f"{RESULTS}/logs/tables/efficiency.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        frame=PLAN.study.frame(PLAN.samplers.efficiency_cohort),
        where=f"{PLAN.study.label(PLAN.samplers.efficiency_cohort)}, first test patient, {config['methods'].get(PLAN.samplers.method, {}).get('label')}",
    script:
        "../scripts/efficiency_table.py"


rule sampler_line:
    """Scores of one solver at every number of steps, on one cohort."""
    input:
        volumes=lambda w: volumes(w.cohort, timed_patients(w)),
        removals=lambda w: removals(w.cohort, timed_patients(w)),
        weights=sampling_weights,
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
        **on_gpu(restoring_seconds(PLAN.samplers.method, passes=3)),
    params:
        restorations=lambda w: {
            steps: restoration_params(
                w.cohort, PLAN.samplers.method, **solver(w), noise=w.noise, steps=steps
            )
            for steps in curve_steps(w)
        },
        code=lambda w: method_code(PLAN.samplers.method),
    script:
        "../scripts/sampler_line.py"


rule sampler_curve:
    """Scores against the number of evaluations: a table, a figure, and the fewest evaluations that suffice."""
    input:
        measured=sampler_inputs(
            "sampler_curve",
            config["samplers"]["cohorts"],
            PLAN.samplers.curve,
            [
                f"{RESULTS}/curve/{cohort}/{'_'.join(line)}.csv"
                for line in PLAN.samplers.curve
                for cohort in PLAN.samplers.cohorts
            ],
        ),
        sheets=sheets(PLAN.samplers.cohorts),
    output:
        **table_files("sampler_curve", "scores by number of evaluations"),
        png=report(
            f"{RESULTS}/figures/sampler_curve.png",
            caption="../report/sampler_curve.rst",
            category="Figures",
            labels={"figure": SAMPLERS_SHOWN, "cohort": "all"},
        ),
        pdf=f"{RESULTS}/figures/sampler_curve.pdf",
        about=f"{RESULTS}/figures/sampler_curve.rst",
    log:
        f"{RESULTS}/logs/tables/sampler_curve.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        frame=PLAN.study.frame(PLAN.samplers.cohorts),
        where=PLAN.samplers.where,
    script:
        "../scripts/sampler_curve.py"
