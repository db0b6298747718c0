"""The page that opens the report."""

from pathlib import Path

import pandas as pd

from benchmark.cohort.sheet import read_sheet
from benchmark.jobs.job import job
from benchmark.report import verdict
from benchmark.report.pages import write_verdict
from benchmark.scores.published import patients

with job(snakemake) as say:
    config, cohorts = snakemake.params.config, snakemake.params.labels["cohorts"]
    labels = {cohort: about["label"] for cohort, about in cohorts.items()}
    article = {c: patients(about["paper"]) if about.get("paper") else None for c, about in cohorts.items()}
    sheets = {Path(path).stem: read_sheet(path) for path in snakemake.input.sheets}
    frame = pd.concat([pd.read_csv(path) for path in snakemake.input.tables], ignore_index=True)
    frame = frame.drop_duplicates(["cohort", "method"])
    others = {Path(path).stem: pd.read_csv(path) for path in snakemake.input.others}
    cells = verdict.outcomes(frame)
    opening, agreement, sentences = verdict.summary(frame, cells, others, config, sheets)
    parts = [
        opening,
        verdict.run_table(frame, sheets, article, labels),
        verdict.agreement_table(cells, labels),
        agreement,
        verdict.winners_table(frame, others.get("significance"), labels),
        sentences,
        "Open deviations in this run:",
        verdict.deviations(config, cells),
        "Decisions where the article is silent or contradicts itself:",
        list(verdict.STANDING),
    ]
    write_verdict(snakemake.output.rst, snakemake.output.html, parts)
    say(opening)
