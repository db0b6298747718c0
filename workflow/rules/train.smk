"""Every network of every cohort and fold, by one rule."""


rule train:
    """Train one network on one fold; resumes from its checkpoint if it was interrupted."""
    input:
        train=training_volumes,
        validation=validation_volumes,
        needs=lambda w: weights_of(
            w.cohort, w.fold, config["networks"][w.network]["needs"]
        ).values(),
        trunk=perceptual_trunk,
    output:
        weights=f"{RESULTS}/models/{{cohort}}/fold{{fold}}/{{network}}.safetensors",
        log=f"{RESULTS}/models/{{cohort}}/fold{{fold}}/{{network}}.csv",
        curve=report(
            f"{RESULTS}/models/{{cohort}}/fold{{fold}}/{{network}}.png",
            caption="../report/curve.rst",
            category="Training",
            labels={"cohort": "{cohort}", "fold": "{fold}", "network": "{network}"},
        ),
    log:
        f"{RESULTS}/logs/train/{{cohort}}/fold{{fold}}/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{cohort}}/fold{{fold}}/{{network}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(
            training_seconds,
            training_memory,
            gpus=config["compute"]["devices"],
            card=training_card,
        ),
    params:
        network=lambda w: config["networks"][w.network],
        seed=config["seed"],
        compute=slug(config["compute"], "device", "devices", "precision", "threads"),
    script:
        "../scripts/train.py"
