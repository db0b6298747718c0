"""Draw a cohort, download its scans and write the sheet."""

from benchmark.cohort.draw import draw
from benchmark.cohort.sheet import summary, write_sheet
from benchmark.datasets import of_cohort
from benchmark.jobs.job import job

with job(snakemake) as say:
    params = snakemake.params
    cohort = snakemake.config["cohorts"][snakemake.wildcards.cohort]  # parameters are recorded: no logins in them
    rows, refused = draw(
        of_cohort(cohort, params.data),
        cohort["reader"],
        cohort["patients"],
        params.folds,
        params.seed,
        cohort["partial"],
    )
    for subject, reason in refused.items():
        say(f"left out: {subject}: {reason}")
    say(f"{snakemake.wildcards.cohort}: {summary(rows)}; {len(refused)} left out")
    write_sheet(snakemake.output[0], rows)
