"""Estimates before a study runs: training speed on this machine, GPU hours and disk space."""

TRAINED = study_networks(config)


rule network_speed:
    """Seconds per training step of one network, measured on slices of noise."""
    input:
        perceptual_trunk,
    output:
        f"{RESULTS}/speed/{{network}}.csv",
    log:
        f"{RESULTS}/logs/speed/{{network}}.log",
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(lambda w: 1200, card=lambda w: demand.training_mb(w.network, config)),
    params:
        networks=lambda w: {
            name: config["networks"][name]
            | {
                "training": recipe.settled(
                    config["networks"][name]["training"], slices=10000
                )
            }
            for name in (w.network, *config["networks"][w.network]["needs"])
        },
        side=demand.side(config),
        compute=part(
            config["compute"], "device", "precision", "threads", "half", "compile"
        ),
    script:
        "../scripts/speed.py"


rule speed:
    """Measure all networks of the study: one short GPU job each."""
    input:
        expand(f"{RESULTS}/speed/{{network}}.csv", network=TRAINED),
    localrule: True


rule study_cost:
    """GPU hours by network and disk space by stage, from the measurements of `speed`, otherwise estimated."""
    input:
        [
            path
            for path in expand(f"{RESULTS}/speed/{{network}}.csv", network=TRAINED)
            if os.path.exists(path)
        ],
    output:
        [
            f"{RESULTS}/tables/{table}.{suffix}"
            for table in ("study_hours", "study_disk", "study_choices")
            for suffix in ("csv", "md", "tex", "html", "rst")
        ],
    log:
        f"{RESULTS}/logs/tables/study_cost.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        config=part(
            config,
            *(key for key in config if key not in ("figures", "survey", "zoom")),
        ),
        as_written=part(CONFIG_AS_WRITTEN, *CONFIG_AS_WRITTEN),
        gpu_speed=SITE.gpu_speed,
    script:
        "../scripts/study_cost.py"
