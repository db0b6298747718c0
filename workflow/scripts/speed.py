"""Seconds per training step of one network on this machine."""

import pandas as pd

from benchmark.files import write_csv
from benchmark.jobs.job import job

with job(snakemake) as say:
    import torch

    from benchmark.jobs.timing import hardware
    from models.training.speed import measure

    params = snakemake.params
    row = measure(
        snakemake.wildcards.network,
        params.networks,
        side=params.side,
        compute=params.compute,
        trunk=next(iter(snakemake.input), None),
    )
    row["hardware"] = hardware(torch.device(row["device"]))
    write_csv(snakemake.output[0], pd.DataFrame([row]), "%.6g")
    say(f"{row['network']}: {1 / row['seconds_per_step']:.2f} steps/s, {row['peak_mb']:.0f} MB on {row['hardware']}")
