"""The training data of the weights, and sentences about differences between the scan and these data."""

import re
from collections.abc import Mapping
from typing import Any

from benchmark.jobs import training_data
from zoom.choice import SHIPPED, Choice
from zoom.scan import OpenScan

#: Names of contrasts in file names and cohorts' labels; the first match is used.
CONTRASTS = {
    "FLAIR": r"flair",
    "T1 with contrast agent": r"t1(ce|c|gd)|ce[-_]?t1",
    "T1": r"t1(w|rho)?",
    "T2": r"t2(w|star)?",
    "PD": r"pdw?",
}
#: Voxel sizes further apart than this ratio are reported; grey values, beyond this many times the training
#: subjects' own differences.
RATIO = 1.5
SPREADS = 2.0


def contrast(text: str) -> str | None:
    """The contrast in a name, if any."""
    words = r"(?:^|[^a-z0-9])(?:{})(?=[^a-z0-9]|$)"
    return next((name for name, pattern in CONTRASTS.items() if re.search(words.format(pattern), text.lower())), None)


def trained_on(choice: Choice, cohorts: Mapping[str, Any]) -> list[str]:
    """Sentences about the training data of the weights."""
    if not choice.networks:
        return [f"No training: {choice.key} interpolates. It adds no detail that the scan does not have."]
    about, sentences = choice.metadata, []
    cohort = about.get("cohort")
    if cohort and "+" in cohort:
        labels = ", ".join(cohorts.get(one, {}).get("label", one) for one in cohort.split("+"))
        sentences.append(f"The weights were trained on several cohorts together: {labels}.")
    elif cohort:
        label = cohorts.get(cohort, {}).get("label", cohort)
        sentences.append(f"The weights were trained on {label} (cohort {cohort}, fold {about.get('fold')}).")
    elif about.get("layout"):
        sentences.append(
            f"The weights come from a {about['layout']} checkpoint, which does not state the training data."
        )
    else:
        sentences.append("The weights do not state their training data.")
    seen = about.get("trained_on", {})
    if choice.widest and "subjects" in seen:
        sentences.append(
            f"{seen['subjects']} volumes, from which scans with slices of many spacings and thicknesses, in any plane, "
            "were simulated."
        )
    elif "spacing" in seen:
        slices, rows, columns = seen["spacing"]
        sentences.append(
            f"{seen['subjects']} subjects; {seen['plane']} slices {slices:g} mm apart, voxels of {rows:g} × "
            f"{columns:g} mm in frames of {' × '.join(map(str, seen['frame']))}."
        )
    if all(weights.path.parent == SHIPPED for weights in choice.weights):
        sentences.append("These weights are shipped with the project; docs/weights.md describes them.")
    return sentences


def warnings(
    choice: Choice, cohorts: Mapping[str, Any], scan: OpenScan, histogram: Any, *, coarsened: bool
) -> list[str]:
    """Sentences about differences between the scan and the weights' training data.

    ``histogram``: the scan's, as by ``benchmark.jobs.training_data.histogram``; ``coarsened``: whether the networks see
    the scan at a quarter of its in-plane resolution.
    """
    if not choice.networks:
        return []
    seen, sentences = choice.metadata.get("trained_on", {}), []
    cohort = choice.metadata.get("cohort", "")
    names = (contrast(f"{one} {cohorts.get(one, {}).get('label', '')}") for one in cohort.split("+"))
    learnt = sorted({name for name in names if name})
    shown = contrast(scan.path.replace("/", " "))
    if learnt and shown and shown not in learnt:
        sentences.append(
            f"By its name this is a {shown} scan; the weights were trained only on {', '.join(learnt)}. "
            "Do not trust detail in the output."
        )
    if "spacing" not in seen:
        return [
            *sentences,
            "It is unknown whether this scan is similar to the training data: the weights do not describe them.",
        ]
    far = training_data.distance(histogram, seen["histogram"])
    if far > SPREADS * seen["histogram_spread"]:
        sentences.append(
            f"The scan's grey values are distributed differently from the training data ({far:.3f} of the grey scale "
            f"apart; the training subjects differ by up to {seen['histogram_spread']:.3f} among themselves)."
        )
    return sentences + _voxel_warnings(choice, scan, seen, coarsened=coarsened)


def _voxel_warnings(choice: Choice, scan: OpenScan, seen: Mapping[str, Any], *, coarsened: bool) -> list[str]:
    """Sentences about voxel sizes (mm) and planes that differ from those of the training, ``seen``."""
    sentences = []
    slices, rows, columns = scan.upright_spacing
    if max(rows, columns) / min(rows, columns) > RATIO:
        sentences.append(
            f"The scan's voxels are {rows:.2f} × {columns:.2f} mm in plane; the training had nearly square voxels."
        )
    if choice.widest:
        apart = 2 * slices / (rows + columns)
        if apart > choice.widest:
            sentences.append(
                f"The scan's slices are {apart:.1f} in-plane voxels apart, those of the training data at most "
                f"{choice.widest:g}: values between the slices are very uncertain."
            )
        return sentences
    factor = choice.factor or 1
    learnt_mm = factor * (seen["spacing"][1] + seen["spacing"][2]) / 2
    shown_mm = (rows + columns) / 2 * (factor if coarsened else 1)
    if not 1 / RATIO < shown_mm / learnt_mm < RATIO:
        sentences.append(
            f"The networks' input has voxels of {shown_mm:.2f} mm in plane; in training, {learnt_mm:.2f} mm."
        )
    if slices / seen["spacing"][0] > RATIO:
        sentences.append(
            f"The scan's slices are {slices:.2f} mm apart, those of the training data {seen['spacing'][0]:.2f} mm: "
            "values between the slices are very uncertain."
        )
    if scan.plane != seen["plane"]:
        sentences.append(f"The scan's slices are {scan.plane}, those of the training data {seen['plane']}.")
    return sentences
