"""The curve as a picture: PSNR and LPIPS against the number of evaluations, a line for each solver."""

import pandas as pd
from matplotlib.figure import Figure

from benchmark.config.solvers import PRINTED
from benchmark.print import style
from benchmark.samplers.curve import LINE, REFERENCE, WITHIN, choice, measured_on, referred
from benchmark.scores.score_table import NAMES, direction

DASHES = {"independent": "-", "shared": "--"}


def draw(frame: pd.DataFrame) -> Figure:
    """``frame``: of ``benchmark.samplers.curve.curve_frame``. The band: scores equal to the reference's."""
    figure, axes = style.plt.subplots(1, len(WITHIN), figsize=(style.FULL, 3.2))
    figure.set_layout_engine("constrained")
    solvers = list(dict.fromkeys(zip(frame["sampler"], frame["eta"], strict=True)))
    names = [" ".join(solver) for solver in solvers]
    colour, marker = style.colours(names), style.markers(names)
    for axis, (metric, within) in zip(axes, WITHIN.items(), strict=True):
        for (sampler, eta, noise), rows in frame.groupby(LINE, sort=False):
            name = f"{sampler} {eta}"
            label = (
                PRINTED[sampler] + (f" η = {eta}" if eta else "") + (f", {noise} noise" if noise == "shared" else "")
            )
            look = {"color": colour[name], "marker": marker[name], "linestyle": DASHES[noise], "label": label}
            rows = rows.sort_values("evaluations")
            axis.plot(rows["evaluations"], rows[metric], markersize=3, **look)
        at = frame[metric] - frame[f"{metric}_difference"]  # the reference's score, in every row
        if at.notna().any():
            axis.axhspan(at.iloc[0] - within, at.iloc[0] + within, color="#000000", alpha=0.08, linewidth=0)
        axis.set_xscale("log")
        ticks = sorted({int(steps) for steps in frame["steps"]})
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.minorticks_off()
        axis.set_xlabel("evaluations of the network")
        axis.set_ylabel(NAMES[metric] + direction(metric))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def caption(frame: pd.DataFrame, where: str, scans: str) -> str:
    """Explains the figure; the band is drawn only if the article's setting was measured."""
    text = (
        "Scores against the number of evaluations of the network, a line for each solver; means, without their spread. "
    )
    if referred(frame):
        text += (
            f"The grey band is DDIM at T = {REFERENCE['steps']}, η = 1, ± {WITHIN['psnr']} dB and ± {WITHIN['lpips']} "
            "LPIPS. "
        )
    return text + f"{measured_on(frame, where, scans)} {choice(frame)}"
