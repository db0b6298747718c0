"""Table 6: samplers, their steps and η, next to the published numbers."""

from functools import partial

import pandas as pd

from benchmark.config.solvers import PRINTED
from benchmark.print.typeset import Cell, Table, as_printed, number
from benchmark.samplers.efficiency import ARTICLE_SLICES
from benchmark.scores import published
from benchmark.scores.metrics import HIGHER_IS_BETTER, METRICS
from benchmark.scores.score_table import DIGITS, NAMES

KEYS = ["sampler", "steps", "eta"]
PRINTED_AS = {"167": "150"}
"""Number of steps of a row of the article → T as printed there."""
NOTES = {
    "150": "The article's T = 150 took 167 evaluations (37.15 s of 44.50 s for 200): the authors' code has a stride "
    "of 6 up to the end. Here T = 150 means 150 evaluations; the row for 167 is the article's setting.",
    "167": "The article's T = 150, of which the authors' code makes 167 evaluations.",
}


def sampler_frame(measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each setting: means over patients, then cohorts; the number of scans; the median seconds for the
    article's volume.

    ``measured``: rows of ``benchmark.samplers.measure.sampler_scores`` with cohort, sampler, steps and eta ('' except
    for DDIM). ``seconds`` is the sampling time of ``ARTICLE_SLICES`` slices, for volumes of any size.
    """
    patients = measured.dropna(subset=["ssim"]).groupby([*KEYS, "cohort", "subject"], sort=False)[list(METRICS)].mean()
    cohorts = patients.groupby([*KEYS, "cohort"], sort=False).mean()
    table = cohorts.groupby(KEYS, sort=False).mean()
    table["scans"] = patients.groupby(KEYS, sort=False).size()
    timed = measured.assign(volume_seconds=measured["seconds_per_slice"] * ARTICLE_SLICES)
    by_setting = timed.groupby(KEYS, sort=False)
    table["seconds"] = by_setting["volume_seconds"].median()
    table["peak_mb"] = by_setting["peak_mb"].max()
    table["hardware"] = by_setting["hardware"].agg(lambda names: ", ".join(sorted(set(names))))
    table = table.reset_index()
    article = published.read("samplers").set_index(KEYS)
    flags = published.read("flags")
    flags = flags[flags["table"] == "6"].set_index(["method", "metric"])["flag"]
    steps = table["steps"].astype(str).map(lambda taken: PRINTED_AS.get(taken, taken))
    keys = list(zip(table["sampler"], steps, table["eta"], strict=True))
    for column in (*METRICS, "seconds"):
        table[f"{column}_paper"] = [article[column].get(key, "") for key in keys]
        paper = pd.to_numeric(table[f"{column}_paper"])
        table[f"{column}_difference"] = table[column] - paper
        table[f"{column}_flag"] = [flags.get((" ".join(key), column), "") for key in keys]
    return table


def sampler_table(frame: pd.DataFrame, where: str, scans: str) -> Table:
    """The table for print, best of each column in bold; ``scans``: of ``benchmark.samplers.measure.counted``."""
    with_paper = bool((frame["psnr_paper"] != "").any())
    columns = ["sampler", "T", "η"]
    for metric in METRICS:
        columns += [NAMES[metric], *(["article", "Δ"] if with_paper else [])]
    columns += [f"sampling, s for {ARTICLE_SLICES} slices", *(["article, s"] if with_paper else [])]
    columns += ["peak memory, GB", "hardware"]
    table = Table("Table 6: samplers, steps T and η", "", columns)
    values = {m: frame[m].map(partial(as_printed, digits=DIGITS[m])) for m in METRICS}
    best = {m: values[m].max() if HIGHER_IS_BETTER[m] else values[m].min() for m in METRICS}
    for _, row in frame.iterrows():
        steps_taken = str(row["steps"])
        steps = Cell(steps_taken, note=table.note(NOTES.get(steps_taken, "") if row["psnr_paper"] else ""))
        line = [Cell(PRINTED.get(row["sampler"], row["sampler"])), steps, Cell(row["eta"])]
        for metric in METRICS:
            digits = DIGITS[metric]
            line.append(Cell(number(row[metric], digits), as_printed(row[metric], digits) == best[metric]))
            if with_paper:
                line.append(Cell(row[f"{metric}_paper"], note=table.note(row[f"{metric}_flag"])))
                line.append(Cell(number(row[f"{metric}_difference"], digits, sign=True)))
        line.append(Cell(number(row["seconds"], 2)))
        line += [Cell(row["seconds_paper"])] if with_paper else []
        table.rows.append([*line, Cell(number(row["peak_mb"] / 1000, 2)), Cell(row["hardware"])])
    table.caption = (
        f"{where}: {scans}, removed slices, full frame, networks of fold 1; mean over slices, then patients, then "
        "cohorts. Sampling time is the measured time of a slice times "
        f"the article's {ARTICLE_SLICES} slices (without other jobs of the study, synchronised with the device, after "
        "a warm-up, median of patients and repeats), without decoding. "
        + ("The article's seconds are for a GPU and latents of 64×64. " if with_paper else "")
        + "Peak memory: of the GPU; on a CPU, of the whole process."
    )
    return table
