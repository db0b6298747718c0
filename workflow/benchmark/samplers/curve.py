"""Few steps with the same quality: scores against the number of evaluations, a line for each solver, and the choice."""

from typing import Any

import pandas as pd

from benchmark.config.solvers import PRINTED, printed
from benchmark.print.typeset import Cell, Table, number
from benchmark.scores.metrics import METRICS
from benchmark.scores.score_table import DIGITS, NAMES

LINE = ["sampler", "eta", "noise"]
REFERENCE: dict[str, Any] = {"sampler": "ddim", "steps": 200, "eta": "1", "noise": "independent"}
"""The article's setting."""
WITHIN = {"psnr": 0.1, "lpips": 0.005}
"""Scores count as equal to the reference's if they are worse by at most this (dB; LPIPS)."""


def curve_frame(measured: pd.DataFrame) -> pd.DataFrame:
    """One row for each setting, in the order measured: means over patients, then cohorts.

    ``measured``: rows of ``benchmark.samplers.measure.sampler_scores`` with cohort, sampler, steps, eta ('' except for
    DDIM) and noise. Added columns: ``evaluations`` of the network (PLMS has one more than steps), ``seconds`` of
    sampling per slice (median), and the difference of PSNR and LPIPS to the reference's (NaN: not measured).
    """
    keys = [*LINE, "steps"]
    patients = measured.groupby([*keys, "cohort", "subject"], sort=False)[list(METRICS)].mean()
    frame = patients.groupby([*keys, "cohort"], sort=False).mean().groupby(keys, sort=False).mean()
    by_setting = measured.groupby(keys, sort=False)
    frame["seconds"] = by_setting["seconds_per_slice"].median()
    frame["hardware"] = by_setting["hardware"].agg(lambda names: ", ".join(sorted(set(names))))
    frame = frame.reset_index()
    frame.insert(4, "evaluations", frame["steps"] + (frame["sampler"] == "plms"))
    at = frame
    for key, value in REFERENCE.items():
        at = at[at[key] == value]
    for metric in WITHIN:
        frame[f"{metric}_difference"] = frame[metric] - (at[metric].iloc[0] if len(at) else float("nan"))
    return frame


def equal(frame: pd.DataFrame) -> pd.DataFrame:
    """The settings whose scores equal the reference's within ``WITHIN``, fewest evaluations first, then by LPIPS."""
    fine = (frame["psnr_difference"] >= -WITHIN["psnr"]) & (frame["lpips_difference"] <= WITHIN["lpips"])
    return frame[fine].sort_values(["evaluations", "lpips"], kind="stable")


def curve_table(frame: pd.DataFrame, where: str, scans: str) -> Table:
    """The table for print; settings equal to the reference have their number of evaluations in bold.

    ``scans``: of ``benchmark.samplers.measure.counted``.
    """
    columns = ["sampler", "η", "noise", "T", "evaluations"]
    columns += [NAMES[metric] for metric in METRICS]
    columns += [*(["Δ PSNR", "Δ LPIPS"] if referred(frame) else []), "sampling, ms a slice"]
    table = Table("Scores against the number of evaluations", caption(frame, where, scans), columns)
    fine = set(equal(frame).index)
    for index, row in frame.iterrows():
        line = [Cell(PRINTED.get(row["sampler"], row["sampler"])), Cell(row["eta"]), Cell(row["noise"])]
        line += [Cell(str(row["steps"])), Cell(str(row["evaluations"]), bold=index in fine)]
        line += [Cell(number(row[metric], DIGITS[metric])) for metric in METRICS]
        if referred(frame):
            line += [Cell(number(row[f"{metric}_difference"], DIGITS[metric], sign=True)) for metric in WITHIN]
        table.rows.append([*line, Cell(number(1000 * row["seconds"], 1))])
    return table


def caption(frame: pd.DataFrame, where: str, scans: str) -> str:
    """Explains the measurement, the columns, the bold numbers and the choice."""
    text = f"{measured_on(frame, where, scans)} The time is the median of a slice, without decoding. "
    if referred(frame):
        text += (
            "Δ: difference to DDIM, T = 200, η = 1, independent noise. In bold: worse by at most "
            f"{WITHIN['psnr']} dB and {WITHIN['lpips']} LPIPS. "
        )
    return text + choice(frame)


def referred(frame: pd.DataFrame) -> bool:
    """Whether the article's setting was measured, with which all others are compared."""
    return bool(frame["psnr_difference"].notna().any())


def measured_on(frame: pd.DataFrame, where: str, scans: str) -> str:
    """The slices, networks and hardware of the measurement."""
    return (
        f"{where}: {scans}, removed slices, full frame, networks of fold 1; "
        "means over slices, then patients, then cohorts. "
        f"Measured on {', '.join(sorted(set(frame['hardware'])))}."
    )


def choice(frame: pd.DataFrame) -> str:
    """The setting as good as the article's with the fewest evaluations, or the reason why no setting is chosen."""
    if not referred(frame):
        return "DDIM at T = 200 was not measured, so no setting is chosen."
    best = equal(frame).iloc[0]
    return (
        f"As good as DDIM at T = 200 (within {WITHIN['psnr']} dB and {WITHIN['lpips']} LPIPS) with the fewest "
        f"evaluations: {best['evaluations']} ({printed(best['sampler'], best['steps'], best['eta'])}, "
        f"{best['noise']} noise)."
    )
