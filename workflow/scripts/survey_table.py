"""Table 5, from the returned forms."""

from pathlib import Path

from benchmark.cohort.frame import frames
from benchmark.jobs.job import job
from benchmark.print.typeset import write_table
from benchmark.survey.kit import read_answers
from benchmark.survey.table import survey_frame, survey_table

with job(snakemake) as say:
    answers = read_answers(snakemake.input.get("answers", []), snakemake.input.key)
    frame = survey_frame(answers, snakemake.params.labels)
    raters = answers["rater"].nunique()
    table = survey_table(frame, snakemake.params.where, raters)
    table.caption += frames(snakemake.input.sheets, snakemake.params.frame)
    write_table(Path(snakemake.output.csv).with_suffix(""), frame, table)
    say(f"table 5: {raters} forms returned")
