"""Draw a cohort, fetch its scans and write the sheet."""

from pathlib import Path

from benchmark.cohort import draw
from benchmark.datasets import reader
from benchmark.job import job
from benchmark.sheet import summary, write_sheet

with job(snakemake) as say:
    cohort = snakemake.params.cohort
    options = {key: cohort[key] for key in ("modality", "local", "slices") if key in cohort}
    name = cohort["reader"]
    dataset = reader(name, Path(snakemake.params.data) / name, **options, **cohort["options"])
    rows, refused = draw(
        dataset, name, cohort["patients"], snakemake.params.folds, snakemake.params.seed, cohort["partial"]
    )
    for subject, reason in refused.items():
        say(f"left out: {subject}: {reason}")
    say(f"{snakemake.wildcards.cohort}: {summary(rows)}; {len(refused)} left out")
    write_sheet(snakemake.output[0], rows)
