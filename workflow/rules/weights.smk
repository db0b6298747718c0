"""Weights for use outside the study, such as those of `zoom`: a network trained on several cohorts together."""


rule weights_network:
    """Train one network on all patients of the cohorts of `weights`; resumes from its checkpoint."""
    input:
        train=lambda w: [
            path for paths in weights_volumes(w).values() for path in paths
        ],
        trunk=perceptual_trunk,
        start=starting_weights,
    output:
        weights=f"{RESULTS}/trained/{{network}}.safetensors",
        log=f"{RESULTS}/trained/{{network}}.csv",
        curve=report(
            f"{RESULTS}/trained/{{network}}.png",
            caption="../report/curve.rst",
            category="Training",
            labels={"network": "{network}"},
        ),
    log:
        f"{RESULTS}/logs/weights/{{network}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/weights/{{network}}.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(lambda w: 86400, gpus=config["compute"]["devices"]),
    params:
        network=lambda w: config["networks"][w.network],
        code=lambda w: network_code(w.network),
        shares=weights_shares,
        cohorts="+".join(DRAWN),
        init=lambda w: recipe.start(config, w.network),
        minutes=config["minutes"],
        seed=config["seed"],
        compute=part(config["compute"], "device", "devices", "precision", "threads"),
    script:
        "../scripts/weights.py"


rule weights:
    """All networks of `weights`."""
    input:
        needed(
            expand(
                f"{RESULTS}/trained/{{network}}.safetensors",
                network=config["weights"]["networks"] if DRAWN else [],
            ),
            NO_SHARES,
        ),
