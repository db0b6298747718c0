"""Estimates before a study runs: training speed on this machine, GPU hours and disk space."""

from benchmark.config import study_networks

PACED = study_networks(config)


rule pace:
    """Training steps per second of one network, measured on slices of noise."""
    input:
        perceptual_trunk,
    output:
        f"{RESULTS}/speed/{{network}}.csv",
    log:
        f"{RESULTS}/logs/pace/{{network}}.log",
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
        compute=slug(
            config["compute"], "device", "precision", "threads", "half", "compile"
        ),
    script:
        "../scripts/speed.py"


rule speed:
    """Measure all networks of the study: one short GPU job each."""
    input:
        expand(f"{RESULTS}/speed/{{network}}.csv", network=PACED),
    localrule: True


rule study_cost:
    """GPU hours by network and disk space by stage, from the measurements of `speed`, otherwise estimated."""
    input:
        [
            path
            for path in expand(f"{RESULTS}/speed/{{network}}.csv", network=PACED)
            if os.path.exists(path)
        ],
    output:
        hours=f"{RESULTS}/tables/study_hours.md",
        disk=f"{RESULTS}/tables/study_disk.md",
        choices=f"{RESULTS}/tables/study_choices.md",
    log:
        f"{RESULTS}/logs/tables/study_cost.log",
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        config=slug(
            config,
            *(key for key in config if key not in ("figures", "survey", "zoom")),
        ),
        own=slug(OWN, *OWN),
        gpu_speed=SITE.gpu_speed,
    script:
        "../scripts/study_cost.py"
