"""Resources that a job requests from a scheduler: GPUs, minutes, memory, and the cluster's partitions."""

from benchmark.cluster import site as cluster

from benchmark.cluster import budget, demand

try:
    SITE = cluster.site()
    budget.limits(config)  # too few minutes are reported before any job runs
except UserError as error:
    raise WorkflowError(str(error)) from None


def on_gpu(
    seconds,
    memory=lambda wildcards: 0,
    needed=lambda wildcards: True,
    gpus=1,
    card=lambda wildcards: demand.restoring_mb(config),
):
    """Resources of jobs that use a GPU if `needed`; no GPU with `compute.device: cpu`.

    `seconds`: estimated time of a job; `memory`: MB in addition to those of every job with PyTorch. Both grow with
    every attempt. `card`: GPU memory in MiB. `local_gpu` counts thousandths of a GPU; this name has a limit on a
    workstation and none on a cluster.
    """

    def count(wildcards):
        return gpus if config["compute"]["device"] != "cpu" and needed(wildcards) else 0

    return {
        "gpu": count,
        "nodes": 1,  # else SLURM may take the GPUs of one training from several nodes
        "local_gpu": lambda wildcards: (
            count(wildcards) * 1000 // config["compute"]["jobs_per_gpu"]
        ),
        "gpu_mb": lambda wildcards: round(card(wildcards)) if count(wildcards) else 0,
        "runtime": lambda wildcards, attempt: SITE.limit(
            demand.minutes(seconds(wildcards)), attempt
        ),
        "mem_mb": lambda wildcards, attempt: int(
            (demand.TORCH_MB + memory(wildcards)) * (1 + attempt) / 2
        ),
        "slurm_partition": lambda wildcards: (
            SITE.gpu_partition if count(wildcards) else SITE.cpu_partition
        ),
        "gpu_model": lambda wildcards: SITE.gpu_model if count(wildcards) else None,
    }


def alone():
    """CPU threads of a timed job: all threads that Snakemake may use here, so that no other job runs at the same
    time."""
    return max(config["compute"]["threads"], workflow.resource_settings.cores or 1)


def training_seconds(wildcards):
    return demand.training_seconds(
        wildcards.network, config, wildcards.cohort, SITE.gpu_speed
    )


def training_memory(wildcards):
    """MB of the slices in main memory on their way to the GPU: 4 bytes per pixel, twice."""
    patients, _ = demand.patients(config, wildcards.cohort)
    return 2 * demand.volume_mb(config, wildcards.cohort) * patients


def training_card(wildcards):
    patients, _ = demand.patients(config, wildcards.cohort)
    return demand.training_mb(wildcards.network, config, wildcards.cohort, patients)


def restoring_seconds(method=None, patients=None, passes=1):
    """For rules that restore the test volumes, or `patients` (a number, or a function of wildcards), `passes` times."""

    def seconds(wildcards):
        tested = patients(wildcards) if callable(patients) else patients
        if tested is None:
            _, tested = demand.patients(config, wildcards.cohort)
        return passes * demand.restoring_seconds(
            config,
            wildcards.cohort,
            method or wildcards.method,
            tested,
            SITE.gpu_speed,
        )

    return seconds
