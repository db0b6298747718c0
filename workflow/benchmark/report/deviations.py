"""Differences between a run and the article, derived from the configuration, and decisions that hold for every run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.cohort.frame import COARSE_BY
from benchmark.config.networks import is_diffusion, sampling_network
from benchmark.config.solvers import printed
from benchmark.report.trained import deviations as trained_networks


def deviations(config: Mapping[str, Any], cells: pd.DataFrame) -> list[str]:
    """One sentence for each difference between this run and the article."""
    study, frame, sampling = config["study"], config["preprocess"], config["sampling"]
    removed, methods = config["protocol"]["remove"], config["methods"]
    out = []
    if removed != REMOVED:
        out.append(f"Removed slices: {removed:.3g} of all; the article has {REMOVED:g}.")
    if study["folds"] != 5:
        out.append(f"Folds: {study['folds']}; the article has 5.")
    if (frame["size"], frame["shrink"]) != (256, 1):
        shrunk = f", voxels averaged {frame['shrink']} to 1 in plane" if frame["shrink"] > 1 else ""
        out.append(f"Slices of {frame['size']}×{frame['size']} pixels{shrunk}; the article has 256×256.")
    trained = [m for m in study["methods"] if config["methods"][m]["networks"]]
    sampled = [m for m in trained if is_diffusion(config, m)]
    if sampled:
        if (sampling["sampler"], sampling["steps"], sampling["eta"]) != ("ddim", 200, 1):
            out.append(
                f"Sampled with {printed(sampling['sampler'], sampling['steps'], sampling['eta'])}; the article has "
                "DDIM, T = 200, η = 1."
            )
        if sampling["noise"] != "independent":
            out.append("All slices of a volume have one noise field; the article draws noise for every slice.")
        if not sampling["quantise_interpolated"]:
            out.append("Interpolated latents are not quantised; the authors' code quantises them.")
        networks = [sampling_network(config, config["methods"][m]["networks"]) for m in sampled]
        diffusions = {name for name in networks if name is not None}
        first_stages = {need for name in diffusions for need in config["networks"][name]["needs"]}
        if not any(config["networks"][name].get("init") for name in diffusions | first_stages):
            out.append(
                "Networks start from random weights; the authors' start from public 4× weights trained on natural "
                "images, which the article does not mention (recipe “authors” does the same)."
            )
    for method in ("ours", "baseline"):
        if method in trained and (own := methods[method].get("options")):
            settings = ", ".join(f"{key} {value}" for key, value in own.items())
            out.append(f"{methods[method].get('label', method)} has other options than the article's: {settings}.")
    out += trained_networks(config)
    missing = [m for m in ("ours", "baseline", "bicubic_ae", "srgan", "wdsr") if m not in study["methods"]]
    if missing:
        out.append(f"Methods of the article that are not in this run: {', '.join(missing)}.")
    if study.get("stand_in"):
        out.append(
            f"The cohort {study['stand_in']} stands in for cohorts of the article that are not in this run: those "
            "tables and figures have the article's shape, not its data."
        )
    if cells.empty:
        out.append(
            "No cell of this run has a published counterpart, so this page does not compare numbers with the article."
        )
    return out


REMOVED = 0.1
"""The article's share of removed slices (section 3.1)."""

SCALED_BY = {
    "volume": "Intensities have one scale per volume; the authors' code scales each slice separately, which breaks the "
    "consistency between slices.",
    "slice": "Each slice has its own scale, as in the authors' code, which breaks the consistency between slices.",
}
"""By ``preprocess.scaling``."""


def decisions(config: Mapping[str, Any]) -> list[str]:
    """One sentence for each decision where the article gives no answer or contradicts itself."""
    return [*STANDING, SCALED_BY[config["preprocess"]["scaling"]], COARSE_BY[config["protocol"]["antialias"]]]


STANDING = (
    "The article publishes no patient ids: patients are drawn by seed.",
    "OASIS is assumed to be OASIS-TRT-20 (Mindboggle): the authors' pictures are skull-stripped, and 17 + 3 patients "
    "are its 20 scans; OASIS-1, which the article cites, is the cohort oasis1. ATLAS is R1.1, as in the cited Liew et "
    "al. (2018).",
    "The article does not say whether two neighbouring slices may both be removed: here they may not.",
    "Eq. 12 as printed does not interpolate: the baseline uses the weights of eq. 6, and eq. 12 is a control.",
    "The noise schedule is linear in √β between the article's 0.0015 and 0.0155, as in the authors' code, which "
    "calls it linear; linear in β would be another schedule.",
    "Of the U-Net's “attention at 16 and 8”, factor 16 does not exist with four levels: attention is at 8 and in the "
    "middle. The first stage has attention in its middle block, as in the authors' code; the article says it has none.",
    "SRGAN's content loss is LPIPS with VGG16's features and L1, not VGG19's features; EDSR adds its output to "
    "its input.",
    "Tables are means over folds with the spreads of trainings and patients, full frame and in the head or brain; the "
    "article gives only the mean of the full frame.",
)
