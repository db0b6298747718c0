"""The figures of a study: their sources and titles."""

from functools import cached_property
from typing import Any

from benchmark.config.networks import labels
from benchmark.errors import UserError
from benchmark.plan.study import LIKE_WITH_LIKE, Study, part

# The title of a figure in the gallery and the report, by its ``draw``.
DIAGRAMS = ("ldm", "latents", "steps")
TITLES = {
    "ldm": "the latent diffusion model",
    "latents": "new slices from latents",
    "steps": "the method, step by step",
    "scores": "scores along the slices",
    "between": "{n} new slices between two, {pair}",
    "sequence": "{n} new slices between two",
    "source": "low-resolution input",
    "compare": "methods on one gap, {n} new slices each",
    "sharpened": "before and after EDSR",
    "showcase": "A real scan at full size",
    "thick": "A real scan's thick slices made thin",
}
OPENING = ("showcase", "thick")  # the first figures of the report; each has its own cohort, which is in no table


class Figures:
    """The config's ``figures``. Raises ``UserError`` for an invalid line."""

    def __init__(self, study: Study) -> None:
        self.study, self.config = study, study.config
        for name, spec in self.config["figures"].items():
            if not (name.startswith("fig") and name[3:].isdigit() and len(name) == 5):
                raise UserError(f"config: figures: '{name}' must be fig and two digits, as fig05")
            if unknown := set(spec.get("methods", [])) - set(self.config["methods"]):
                raise UserError(f"config: figures.{name}.methods: '{min(unknown)}' is not defined")
            if spec["draw"] not in DIAGRAMS and "cohort" not in spec:
                raise UserError(f"config: figures.{name}: cohort is missing; only diagrams are drawn without one")

    def diagram(self, figure: str) -> bool:
        """Whether a figure is drawn from the config only."""
        return self.config["figures"][figure]["draw"] in DIAGRAMS

    def cohort(self, figure: str) -> str | None:
        """The figure's cohort, or the cohort that stands in for it."""
        spec = self.config["figures"][figure]
        if spec["draw"] in OPENING:
            return str(spec["cohort"])
        return next(iter(self.study.present([spec["cohort"]])), None)

    def methods(self, figure: str) -> list[str]:
        """The methods of the figure's line in the config, or those that its ``draw`` shows by default."""
        spec = self.config["figures"][figure]
        by_draw = {
            "scores": [m for m in self.study.methods if self.study.kind(m) != "oracle"],
            "between": self.study.pair,
            "sequence": [self.study.ours],
            "source": [],
            "compare": self.study.article,
            "thick": [],
            "showcase": [m for m in self.study.methods if self.study.kind(m) != "oracle"],
        }
        return spec.get("methods") or by_draw[spec["draw"]]

    @cached_property
    def drawn(self) -> dict[str, list[str]]:
        """The figures of this study, each with the article's figures that it stands for, itself first.

        Figures that would be the same picture, because one cohort stands in for several, are drawn once.
        """
        same: dict[str, list[str]] = {}
        for figure in sorted(self.config["figures"]):
            if not self.lacks(figure):
                picture = figure if self.diagram(figure) else repr(self._picture(figure))
                same.setdefault(picture, []).append(figure)
        return {figures[0]: figures for figures in same.values()}

    def lacks(self, figure: str) -> str:
        """What the study lacks for a figure, as text; empty if its cohort (or the stand-in) and its methods are in the
        study."""
        if self.diagram(figure):
            needs = {"vq", "ldm", "edsr"} - set(self.config["networks"])
            return f"the config has no networks {', '.join(sorted(needs))}" if needs else ""
        if self.cohort(figure) is None:
            cohort = self.config["figures"][figure]["cohort"]
            return f"its cohort {cohort} is not in study.cohorts, and no study.stand_in stands in for it"
        missing = [method for method in self.methods(figure) if method not in self.study.methods]
        return f"its methods {', '.join(missing)} are not in study.methods" if missing else ""

    def _picture(self, figure: str) -> dict[str, Any]:
        """All values on which a figure's picture depends."""
        spec, cohort = self.config["figures"][figure], self.cohort(figure)
        tested = self.config["cohorts"][cohort]["patients"]["test"]
        patient = (spec["patient"] - 1) % tested + 1 if tested else spec["patient"]
        return dict(spec) | {"cohort": cohort, "patient": patient, "methods": self.methods(figure)}

    @property
    def names(self) -> list[str]:
        """Names of all figures of this study; the first figures of the report come first."""
        return sorted(self.drawn, key=lambda figure: (self.config["figures"][figure]["draw"] not in OPENING, figure))

    @property
    def opening(self) -> list[str]:
        """Names of the first figures of the report; often empty."""
        return [figure for figure in self.names if self.config["figures"][figure]["draw"] in OPENING]

    def same(self, figure: str) -> list[str]:
        """The article's figures that a figure stands for, including itself."""
        return next((figures for figures in self.drawn.values() if figure in figures), [figure])

    def title(self, figure: str) -> str:
        """The title of a figure in the gallery and the report: its numbers in the article and its content."""
        spec = self.config["figures"][figure]
        if spec["draw"] in OPENING:
            return TITLES[spec["draw"]]
        pair = " above ".join(f"“{self.config['methods'][method]['label']}”" for method in self.study.pair)
        numbers = [str(int(name.removeprefix("fig"))) for name in self.same(figure)]
        name = f"Figure {numbers[0]}" if len(numbers) == 1 else f"Figures {', '.join(numbers)}"
        return f"{name}: {TITLES[spec['draw']].format(n=spec['n'], pair=pair)}"

    def setting(self, figure: str) -> dict[str, Any]:
        """The arguments of a diagram's job (``benchmark.figures.setting.Setting``)."""
        lengths = [self.config["cohorts"][cohort].get("slices") for cohort in self.study.cohorts]
        networks = {name: self.config["networks"][name] for name in ("vq", "ldm", "edsr")}
        return {
            "figure": figure,
            "spec": dict(self.config["figures"][figure]),
            "size": self.config["preprocess"]["size"],
            "networks": {name: part(block, "size") for name, block in networks.items()},
            "sampling": self.config["sampling"],
            "slices": next((length for length in lengths if length), 160),
        }

    def scene(self, figure: str) -> dict[str, Any]:
        """The arguments of a figure's job (``benchmark.figures.scene.Scene``), without its files."""
        spec, cohort = self.config["figures"][figure], self.cohort(figure)
        methods = self.methods(figure)
        first, second = ([*self.study.pair, *self.study.pair])[:2]
        networks = [set(self.config["methods"][method]["networks"]) for method in (first, second)]
        return {
            "figure": figure,
            "spec": dict(spec),
            "cohort": self.config["cohorts"][cohort]["label"],
            "pair": self.study.pair,
            "alike": (first, second) in LIKE_WITH_LIKE,
            "unlike": list(labels(self.config, sorted(networks[0] ^ networks[1])).values()),
            "methods": methods,
            "learned": [m for m in methods if "alex" in self.study.features(m)],
            "coloured": [m for m in methods if m in {*self.study.article, "linear"}],
            "labels": {m: self.config["methods"][m]["label"] for m in self.study.methods},
            "fold": int(any(self.config["methods"][method]["networks"] for method in methods)),
            "folds": self.config["study"]["folds"],
            "stand_in": cohort != spec["cohort"],
            "same": self.same(figure),
            "antialias": self.config["protocol"]["antialias"],
        }

    def draws_gaps(self, figure: str) -> bool:
        """Whether a figure shows new slices that the protocol does not make."""
        return self.config["figures"][figure]["draw"] in ("between", "sequence", "compare")

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """The gaps of a method on a cohort that figures show (``benchmark.figures.gaps.gap``)."""
        return [
            part(self.config["figures"][figure], "patient", "region", "n")
            for figure in self.names
            if self.draws_gaps(figure) and self.cohort(figure) == cohort and method in self.methods(figure)
        ]
