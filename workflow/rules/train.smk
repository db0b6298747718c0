"""Trainings of every network of every cohort and fold, and their starting weights."""


rule public_weights:
    """Download public weights from which a training starts, and check their hash if it is known."""
    output:
        f"{DATA}/public/{{checkpoint}}.ckpt",
    log:
        f"{RESULTS}/logs/public/{{checkpoint}}.log",
    wildcard_constraints:
        checkpoint=one_of(config["public_weights"]),
    retries: 0  # a refused download would be refused again
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    params:
        source=lambda w: part(config["public_weights"][w.checkpoint], "url", "sha256"),
    script:
        "../scripts/public_weights.py"


rule share:
    """A network with `shared: true`: every fold has the weights of fold 1."""
    input:
        f"{RESULTS}/models/{{cohort}}/fold1/{{network}}.safetensors",
    output:
        f"{RESULTS}/models/{{cohort}}/fold{{fold}}/{{network}}.safetensors",
    log:
        f"{RESULTS}/logs/share/{{cohort}}/fold{{fold}}/{{network}}.log",
    wildcard_constraints:
        network=one_of(SHARED),
        fold=one_of(map(str, FOLDS[1:])),
    localrule: True
    conda:
        "../../envs/benchmark.yaml"
    shell:
        "(ln -f {input:q} {output:q} || cp -p {input:q} {output:q}) 2> {log:q}"


ruleorder: share > train


rule train:
    """Train one network on one fold; resumes from its checkpoint if it was interrupted."""
    input:
        train=training_volumes,
        validation=validation_volumes,
        needs=lambda w: weights_of(
            w.cohort, w.fold, config["networks"][w.network]["needs"]
        ),
        trunk=perceptual_trunk,
        start=starting_weights,
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
    priority: 2  # other jobs wait for trainings, so trainings get a GPU or a core first
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
        code=lambda w: network_code(w.network),
        init=lambda w: recipe.start(config, w.network),
        minutes=config["minutes"],
        seed=config["seed"],
        compute=part(config["compute"], "device", "devices", "precision", "threads"),
    script:
        "../scripts/train.py"
