"""Where a run differs from the article, worked out from its configuration, and what is decided for every run."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from benchmark.config.networks import is_diffusion, sampling_network
from benchmark.report.trained import deviations as trained_networks


def deviations(config: Mapping[str, Any], cells: pd.DataFrame) -> list[str]:
    """What this run does otherwise than the article, in one sentence each."""
    study, frame, sampling = config["study"], config["preprocess"], config["sampling"]
    out = []
    if study["folds"] != 5:
        out.append(f"Folds: {study['folds']}, where the article has 5.")
    if (frame["size"], frame["shrink"]) != (256, 1):
        shrunk = f", voxels averaged {frame['shrink']} to 1 in plane" if frame["shrink"] > 1 else ""
        out.append(f"Slices of {frame['size']}×{frame['size']} pixels{shrunk}, where the article has 256×256.")
    trained = [m for m in study["methods"] if config["methods"][m]["networks"]]
    sampled = [m for m in trained if is_diffusion(config, m)]
    if sampled:
        if (sampling["sampler"], sampling["steps"], sampling["eta"]) != ("ddim", 200, 1):
            out.append(
                f"Sampled with {sampling['sampler']}, T = {sampling['steps']}, η = {sampling['eta']:g}, where the "
                "article has ddim, T = 200, η = 1."
            )
        networks = [sampling_network(config, config["methods"][m]["networks"]) for m in sampled]
        diffusions = {name for name in networks if name is not None}
        first_stages = {need for name in diffusions for need in config["networks"][name]["needs"]}
        if not any(config["networks"][name].get("init") for name in diffusions | first_stages):
            out.append(
                "Networks start from random weights; the authors' start from public 4× weights trained on natural "
                "images, which the article does not say (`recipe: authors` does so too)."
            )
    out += trained_networks(config)
    missing = [m for m in ("ours", "baseline", "bicubic_ae", "srgan", "wdsr") if m not in study["methods"]]
    if missing:
        out.append(f"Methods of the article that are not in this run: {', '.join(missing)}.")
    if study.get("stand_in"):
        out.append(
            f"Cohorts of the article that are not in this run are stood in for by {study['stand_in']}: those tables "
            "and figures have the article's shape, not its data."
        )
    if cells.empty:
        out.append("No cell has a published counterpart in this run, so nothing is said about the article's figures.")
    return out


STANDING = (
    "The article publishes no patient ids: patients are drawn by seed.",
    "OASIS is taken to be OASIS-TRT-20 (Mindboggle): the authors' pictures are skull-stripped, and 17 + 3 patients "
    "are its 20 scans; OASIS-1, which the article cites, is the cohort oasis1. ATLAS is R1.1, as the cited Liew et "
    "al. (2018).",
    "It does not say what happens where neighbouring slices are both removed: removed slices are never neighbours.",
    "Intensities have one scale a volume; the authors' code scales each slice by itself, which breaks the consistency "
    "between slices.",
    "Eq. 12 as printed does not interpolate: the baseline uses the weights of eq. 6, and eq. 12 is a control.",
    "The noise schedule is linear in √β between the article's 0.0015 and 0.0155, as in the authors' code, which "
    "calls it linear; linear in β would be another schedule.",
    "Of the U-Net's “attention at 16 and 8”, factor 16 does not exist with four levels: attention is at 8 and in the "
    "middle. The first stage has attention in its middle block, as in the authors' code, where the article says none.",
    "SRGAN's content loss is LPIPS with VGG16's features and L1, not VGG19's features; EDSR adds what it learns to "
    "its input.",
    "Tables are means over folds with the spreads of trainings and patients, full frame and in the head or brain; the "
    "article gives the mean of the full frame alone.",
)
