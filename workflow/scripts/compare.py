"""Is one method better than another on a cohort? Almost stochastic order, by metric and level."""

from benchmark.files import write_csv
from benchmark.jobs.job import job
from benchmark.scores.aggregate import read_scores
from benchmark.scores.comparisons import compare_methods
from benchmark.scores.metrics import METRICS

with job(snakemake) as say:
    pair, params = snakemake.wildcards, snakemake.params
    scores = read_scores(snakemake.input)
    comparisons = params.claims * len(METRICS)
    table = compare_methods(
        scores, pair.first, pair.second, comparisons=comparisons, seed=params.seed, **params.options
    )
    table.insert(0, "cohort", pair.cohort)
    write_csv(snakemake.output[0], table)
    say(f"{pair.cohort}: {pair.first} > {pair.second}: ε_min {table['epsilon_min'].round(3).tolist()}")
