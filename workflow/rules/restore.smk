"""Restore the test volumes with every method: known slices in, all slices out."""


rule restore:
    """Restore a cohort's test volumes with one method and one fold's networks (fold 0: methods without networks)."""
    input:
        volumes=test_volumes,
        removals=test_removals,
        weights=lambda w: method_weights(w.cohort, w.fold, w.method),
    output:
        directory(f"{RESULTS}/restored/{{cohort}}/fold{{fold}}/{{method}}"),
    log:
        f"{RESULTS}/logs/restore/{{cohort}}/fold{{fold}}/{{method}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/restore/{{cohort}}/fold{{fold}}/{{method}}.tsv"
    priority: 1
    conda:
        "../../envs/benchmark.yaml"
    threads: lambda w: config["compute"]["threads"] if w.fold != "0" else 1
    resources:
        **on_gpu(restoring_seconds(), needed=lambda w: w.fold != "0"),
    params:
        restoration=lambda w: restoration_params(w.cohort, w.method),
        code=lambda w: method_code(w.method),
    script:
        "../scripts/restore.py"
