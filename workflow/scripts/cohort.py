"""Draw a cohort, fetch its scans and write the sheet."""

from benchmark.cohort import draw
from benchmark.datasets import of_cohort
from benchmark.job import job
from benchmark.sheet import summary, write_sheet

with job(snakemake) as say:
    cohort, params = snakemake.params.cohort, snakemake.params
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
