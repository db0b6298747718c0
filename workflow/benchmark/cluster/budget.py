"""`minutes`: the time of each training of a study, so that the whole study takes this many minutes of one GPU.

The time is split in proportion to the needs of the trainings (`steps` × seconds per step, measured by `snakemake speed`
or from the table of times). Trainings that run at the same time share the GPU evenly, and some trainings wait for
others, so the split is computed by a simulation. Every training then ends with its time, at any position in its
schedule (`models.training.course`): a wrong estimate changes the split and not the sum.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.cluster import demand
from benchmark.config.networks import needed_networks
from benchmark.errors import UserError

OTHERWISE = 180.0
"""Seconds for everything except trainings: reading the scans, restoring, scoring, tables, figures (H100, 16 cores)."""
STARTING = 35.0
"""Seconds of a training without its steps: imports, volumes, preparation, the file of weights (the same run)."""
TRAINING = 0.5
"""Least share of `minutes` for the trainings; a study with few minutes takes longer than its minutes."""
LEAST = 3.0
"""Least seconds of a training."""

Job = tuple[str, str, int]  # network, cohort, fold


def limits(config: Mapping[str, Any]) -> dict[str, float]:
    """Seconds for each training, by network; empty if `minutes` is not set.

    Raises ``UserError`` if the minutes are too few.
    """
    if config["minutes"] is None:
        return {}
    needs, after = trainings(config)
    walls, end = shared_evenly(needs, after, config["compute"].get("jobs_per_gpu", 1))
    links = max((_links(job, after) for job in needs), default=0)
    available = max(60 * config["minutes"] - OTHERWISE - STARTING * links, 60 * config["minutes"] * TRAINING)
    seconds_of: dict[str, float] = {}
    for (network, _, _), wall in walls.items():
        seconds_of[network] = min(seconds_of.get(network, float("inf")), wall * available / end)
    for network, seconds in seconds_of.items():
        if seconds < LEAST:
            raise UserError(
                f"config: minutes: {config['minutes']:g} leaves {max(seconds, 0):.1f} s for a training of {network}; "
                "give the study more minutes, fewer methods, or fewer `steps` for the other networks"
            )
    return seconds_of


def trainings(config: Mapping[str, Any]) -> tuple[dict[Job, float], dict[Job, list[Job]]]:
    """Every training of the study: the GPU seconds of its steps without sharing, and the trainings that it waits
    for."""
    methods = [*config["study"]["methods"], *config["zoom"]["train"]]
    names = list(dict.fromkeys(name for method in methods for name in needed_networks(dict(config), method)))
    networks = config["networks"]
    needs: dict[Job, float] = {}
    after: dict[Job, list[Job]] = {}
    for cohort in config["study"]["cohorts"]:
        for fold in range(1, config["study"]["folds"] + 1):
            for name in names:
                if networks[name]["shared"] and fold > 1:
                    continue
                job = (name, cohort, fold)
                needs[job] = demand.pace(name, config).step * demand.training_steps(name, config, cohort)
                after[job] = [(n, cohort, 1 if networks[n]["shared"] else fold) for n in networks[name]["needs"]]
    return needs, after


def shared_evenly(
    needs: Mapping[Job, float], after: Mapping[Job, Sequence[Job]], slots: int
) -> tuple[dict[Job, float], float]:
    """Duration of each job if at most ``slots`` jobs at a time share one GPU evenly, and the end of the last job, in
    seconds. A job starts when the jobs in ``after`` have ended."""
    left, running, now = dict(needs), list[Job](), 0.0
    started: dict[Job, float] = {}
    walls: dict[Job, float] = {}
    while left:
        ready = [job for job in left if job not in running and all(other in walls for other in after[job])]
        for job in ready[: slots - len(running)]:
            running.append(job)
            started[job] = now
        step = min(left[job] for job in running)
        now += step * len(running)
        for job in list(running):
            left[job] -= step
            if left[job] <= 1e-9:
                running.remove(job)
                del left[job]
                walls[job] = now - started[job]
    return walls, now


def _links(job: Job, after: Mapping[Job, Sequence[Job]]) -> int:
    """Number of trainings in the longest chain that ends with this training."""
    return 1 + max((_links(other, after) for other in after[job]), default=0)
