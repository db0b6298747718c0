"""Each network separately, in plane: is its output better than its starting point?"""


rule networks:
    """In-plane PSNR of every network of fold 1 on the test patients of the first cohort, next to its starting point."""
    input:
        volumes=lambda w: volumes(COHORTS[0], tested(COHORTS[0])),
        weights=needed(
            weights_of(COHORTS[0], 1, COMPARED),
            "table networks: no network of this study is in this table (`in_plane` in the ABOUT of its module)",
        ),
        sheets=sheets(COHORTS[:1]),
    output:
        **table_files("networks", "each network in plane"),
    log:
        f"{RESULTS}/logs/tables/networks.log",
    benchmark:
        f"{RESULTS}/benchmarks/networks.tsv"
    conda:
        "../../envs/benchmark.yaml"
    threads: config["compute"]["threads"]
    resources:
        **on_gpu(lambda w: 600),
    params:
        frame=PLAN.study.frame(COHORTS[:1]),
        cohort=config["cohorts"][COHORTS[0]]["label"],
        labels=network_labels(config, COMPARED),
        options={"seed": config["seed"], "sampling": config["sampling"], "every": 4}
        | part(config["protocol"], "antialias")
        | part(config["compute"], "device", "threads"),
    script:
        "../scripts/networks.py"
