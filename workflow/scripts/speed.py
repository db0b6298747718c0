"""Steps a second of one network's training on this machine."""

import pandas as pd

from benchmark.files import written
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
    with written(snakemake.output[0]) as aside:
        pd.DataFrame([row]).to_csv(aside, index=False, float_format="%.6g", lineterminator="\n")
    say(f"{row['network']}: {1 / row['seconds_per_step']:.2f} it/s, {row['peak_mb']:.0f} MB on {row['hardware']}")
