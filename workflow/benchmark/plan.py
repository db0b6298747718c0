"""What tables, figures, claims and survey a study has, worked out from its checked config.

Read while rules are parsed, so it imports nothing that takes time.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from benchmark.config import study_networks
from benchmark.errors import UserError
from benchmark.networks import about, class_of, is_diffusion

# Methods that differ only in where interpolation happens (latents or pixels): both with EDSR, both without.
LIKE_WITH_LIKE = (("ours", "baseline_edsr"), ("ours_no_edsr", "baseline"))

# What a figure shows, by how it is drawn: its title in the gallery and the report.
DIAGRAMS = ("ldm", "latents", "steps")
TITLES = {
    "ldm": "the latent diffusion model",
    "latents": "new slices from latents",
    "steps": "the method, step by step",
    "scores": "scores along the slices",
    "between": "{n} new slices between two, interpolated in latents and in pixels",
    "sequence": "{n} new slices between two",
    "source": "low-resolution input",
    "compare": "methods on one gap, {n} new slices each",
    "sharpened": "before and after EDSR",
}


def _part(whole: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: whole[key] for key in keys if key in whole}


class Plan:
    """The config's ``study`` set against its catalogues. Raises ``UserError`` where they do not go together."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.cohorts: list[str] = config["study"]["cohorts"]
        self.methods: list[str] = config["study"]["methods"]
        self.stand_in: str | None = config["study"]["stand_in"]
        if self.stand_in is not None and self.stand_in not in self.cohorts:
            raise UserError(f"config: study.stand_in: '{self.stand_in}' is not one of study.cohorts")
        for name, spec in config["figures"].items():
            if not (name.startswith("fig") and name[3:].isdigit() and len(name) == 5):
                raise UserError(f"config: figures: '{name}' must be fig and two digits, as fig05")
            if unknown := set(spec.get("methods", [])) - set(config["methods"]):
                raise UserError(f"config: figures.{name}.methods: '{min(unknown)}' is not defined")
            if spec["draw"] not in DIAGRAMS and "cohort" not in spec:
                raise UserError(f"config: figures.{name}: cohort is missing; only diagrams are drawn without one")

    def in_study(self, cohorts: Iterable[str]) -> list[str]:
        """Those of ``cohorts`` that are in the study, or the one that stands in for them, or none."""
        return [c for c in cohorts if c in self.cohorts] or ([self.stand_in] if self.stand_in else [])

    def kind(self, method: str) -> str:
        return self.config["methods"][method]["kind"]

    def label(self, cohorts: Iterable[str]) -> str:
        return ", ".join(self.config["cohorts"][cohort]["label"] for cohort in cohorts)

    def labels(self, cohorts: Iterable[str], methods: Iterable[str] | None = None) -> dict[str, Any]:
        """What of the config is printed: a changed label makes a table again, and nothing else does.

        ``methods``: default those of the study.
        """
        about = self.config["cohorts"]
        return {
            "study": _part(self.config["study"], "folds", "methods"),
            "cohorts": {c: _part(about[c], "label", "paper", "patients", "partial") for c in cohorts},
            "methods": {
                m: _part(self.config["methods"][m], "label", "kind", "origin") | {"features": self.features(m)}
                for m in methods or self.methods
            },
        }

    def features(self, method: str) -> list[str]:
        """Feature extractors (``alex``, ``vgg``) in its networks' losses: LPIPS by the same is flattered."""
        trained = [self.config["networks"][name]["training"] for name in self.config["methods"][method]["networks"]]
        return sorted({t.get("perceptual_net", "vgg") for t in trained if t.get("perceptual_weight", 0) > 0})

    # Tables 1–4

    def cohorts_of_table(self, table: int | str) -> list[str]:
        """The study's cohorts that go into one of the tables 1–4, or the one that stands in for them, or none."""
        return self.in_study(c for c in self.cohorts if self.config["cohorts"][c]["table"] == int(table))

    def stands_in(self, table: int | str) -> bool:
        """Whether none of the table's own cohorts is in the study."""
        return all(self.config["cohorts"][c]["table"] != int(table) for c in self.cohorts)

    def same_table(self, table: int | str) -> list[int]:
        """Those of the tables 1–4 that have the same cohorts in this study, and so would be the same table."""
        cohorts = self.cohorts_of_table(table)
        return [n for n in (1, 2, 3, 4) if n == int(table) or (cohorts and self.cohorts_of_table(n) == cohorts)]

    @cached_property
    def tables(self) -> list[str]:
        """All tables, by name."""
        names = [f"table{n}" for n in (1, 2, 3, 4) if self.cohorts_of_table(n) and n == min(self.same_table(n))]
        names += ["table5"] if self.survey_cohort else []
        names += ["table6"] if self.sampler_cohorts else []
        names += ["efficiency"] if self.efficiency_cohort else []
        return names + (["significance"] if self.claims else [])

    # Figures

    @property
    def ours(self) -> str:
        """The article's method, or the first method of a study without it."""
        return "ours" if "ours" in self.methods else self.methods[0]

    @property
    def pair(self) -> list[str]:
        """Interpolation of latents and of pixels, all else alike; the first two methods of a study without such two."""
        alike = (list(two) for two in LIKE_WITH_LIKE if set(two) <= set(self.methods))
        return next(alike, self.methods[:2])

    def diagram(self, figure: str) -> bool:
        """Whether a figure is drawn from the config alone."""
        return self.config["figures"][figure]["draw"] in DIAGRAMS

    def cohort_of_figure(self, figure: str) -> str | None:
        """The figure's cohort, or the one that stands in for it."""
        return next(iter(self.in_study([self.config["figures"][figure]["cohort"]])), None)

    @cached_property
    def article(self) -> list[str]:
        """The article's methods of this study, ours and the baseline with the same networks; else all but oracles."""
        own = [m for m in self.methods if self.config["methods"][m].get("origin") == "article"]
        others = [m for m in own if m not in {name for two in LIKE_WITH_LIKE for name in two}]
        return [*self.pair, *others] if others else [m for m in self.methods if self.kind(m) != "oracle"]

    def methods_of_figure(self, figure: str) -> list[str]:
        """The methods of the figure's line in the config, or those that its ``draw`` shows by default."""
        spec = self.config["figures"][figure]
        by_draw = {
            "scores": [m for m in self.methods if self.kind(m) != "oracle"],
            "between": self.pair,
            "sequence": [self.ours],
            "source": [],
            "compare": self.article,
        }
        return spec.get("methods") or by_draw[spec["draw"]]

    @cached_property
    def drawn(self) -> dict[str, list[str]]:
        """The figures of this study: each with those of the article that it is drawn for, itself first.

        A figure is in the study if its cohort (or the cohort's stand-in) and its methods are. Figures that would be the
        same picture, because one cohort stands in for several, are drawn once.
        """
        same: dict[str, list[str]] = {}
        for figure in sorted(self.config["figures"]):
            if self.diagram(figure):
                if {"vq", "ldm", "edsr"} <= set(self.config["networks"]):
                    same[figure] = [figure]
            elif self.cohort_of_figure(figure) and set(self.methods_of_figure(figure)) <= set(self.methods):
                same.setdefault(repr(self._picture(figure)), []).append(figure)
        return {figures[0]: figures for figures in same.values()}

    def _picture(self, figure: str) -> dict[str, Any]:
        """What a figure's picture depends on."""
        spec, cohort = self.config["figures"][figure], self.cohort_of_figure(figure)
        tested = self.config["cohorts"][cohort]["patients"]["test"]
        patient = (spec["patient"] - 1) % tested + 1 if tested else spec["patient"]
        return dict(spec) | {"cohort": cohort, "patient": patient, "methods": self.methods_of_figure(figure)}

    @property
    def figures(self) -> list[str]:
        """Every figure of this study, by name."""
        return sorted(self.drawn)

    def same(self, figure: str) -> list[str]:
        """The figures of the article that a figure is drawn for, with itself."""
        return next((figures for figures in self.drawn.values() if figure in figures), [figure])

    def title(self, figure: str) -> str:
        """As the gallery and the report name a figure: its numbers in the article and what it shows."""
        spec = self.config["figures"][figure]
        numbers = [str(int(name.removeprefix("fig"))) for name in self.same(figure)]
        name = f"Figure {numbers[0]}" if len(numbers) == 1 else f"Figures {', '.join(numbers)}"
        return f"{name}: {TITLES[spec['draw']].format(n=spec['n'])}"

    def setting(self, figure: str) -> dict[str, Any]:
        """All that a diagram's job is given (``benchmark.figures.setting.Setting``)."""
        lengths = [self.config["cohorts"][cohort].get("slices") for cohort in self.cohorts]
        networks = {name: self.config["networks"][name] for name in ("vq", "ldm", "edsr")}
        return {
            "figure": figure,
            "spec": dict(self.config["figures"][figure]),
            "size": self.config["preprocess"]["size"],
            "networks": {name: _part(block, "size") for name, block in networks.items()},
            "sampling": self.config["sampling"],
            "slices": next((length for length in lengths if length), 160),
        }

    def scene(self, figure: str) -> dict[str, Any]:
        """All that a figure's job is given (``benchmark.figures.scene.Scene``), but for its files."""
        spec, cohort = self.config["figures"][figure], self.cohort_of_figure(figure)
        methods = self.methods_of_figure(figure)
        first, second = ([*self.pair, *self.pair])[:2]
        networks = [set(self.config["methods"][method]["networks"]) for method in (first, second)]
        return {
            "figure": figure,
            "spec": dict(spec),
            "cohort": self.config["cohorts"][cohort]["label"],
            "pair": self.pair,
            "alike": (first, second) in LIKE_WITH_LIKE,
            "unlike": sorted(networks[0] ^ networks[1]),
            "methods": methods,
            "coloured": [m for m in methods if m in {*self.article, "linear"}],
            "labels": {m: self.config["methods"][m]["label"] for m in self.methods},
            "fold": 1,
            "folds": self.config["study"]["folds"],
            "stand_in": cohort != spec["cohort"],
            "same": self.same(figure),
        }

    # New slices between two slices

    @staticmethod
    def gap(spec: Mapping[str, Any]) -> dict[str, Any]:
        """The new slices that a figure's line (or the survey's) needs (``benchmark.figures.gaps.gap``)."""
        return _part(spec, "patient", "region", "n")

    def draws_gaps(self, figure: str) -> bool:
        """Whether a figure shows new slices that the protocol alone does not make."""
        return self.config["figures"][figure]["draw"] in ("between", "sequence", "compare")

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """All that figures and the survey want of a method on a cohort, each once."""
        wanted = [
            self.gap(self.config["figures"][figure])
            for figure in self.figures
            if self.draws_gaps(figure)
            and self.cohort_of_figure(figure) == cohort
            and method in self.methods_of_figure(figure)
        ]
        if cohort in self.survey_cohort and method in self.surveyed:
            wanted.append(self.gap(self.config["survey"]))
        return [spec for i, spec in enumerate(wanted) if spec not in wanted[:i]]

    # Significance, samplers, efficiency, survey

    @cached_property
    def claims(self) -> list[tuple[str, str]]:
        """(A, B): A is better than B."""
        return pairs({m: self.kind(m) for m in self.methods}, self.ours)

    @property
    def sampled(self) -> str | None:
        """The diffusion method that table 6 and section 3.7 are about: the first one of the study."""
        return next((m for m in self.methods if is_diffusion(self.config, m)), None)

    @cached_property
    def sampler_cohorts(self) -> list[str]:
        return self.in_study(self.config["samplers"]["cohorts"]) if self.sampled else []

    @cached_property
    def efficiency_cohort(self) -> list[str]:
        """One, or none."""
        return self.in_study([self.config["efficiency"]["cohort"]]) if self.sampled else []

    @cached_property
    def settings(self) -> list[tuple[str, int, str]]:
        """Sampler, T and η of each row of table 6; η belongs to DDIM, and is ``none`` for the others."""
        return [
            (row["sampler"], steps, f"{eta:g}" if row["sampler"] == "ddim" else "none")
            for row in self.config["samplers"]["settings"]
            for steps in row["steps"]
            for eta in (row.get("eta", [1]) if row["sampler"] == "ddim" else [0])
        ]

    @cached_property
    def curve(self) -> dict[tuple[str, str, str], list[int]]:
        """T by sampler, η (``none`` but for DDIM) and noise: a line each of the curve of scores over evaluations."""
        curve = self.config["samplers"]["curve"]
        return {
            (row["sampler"], f"{eta:g}" if row["sampler"] == "ddim" else "none", noise): row["steps"]
            for noise in curve["noise"]
            for row in curve["settings"]
            for eta in (row.get("eta", [1]) if row["sampler"] == "ddim" else [0])
        }

    @cached_property
    def survey_cohort(self) -> list[str]:
        """One, or none."""
        return self.in_study([self.config["survey"]["cohort"]])

    @cached_property
    def surveyed(self) -> list[str]:
        """Methods under survey; controls where there are no others."""
        honest = [m for m in self.methods if self.kind(m) != "oracle"]
        return [m for m in honest if self.kind(m) == "method"] or honest


def pairs(methods: Mapping[str, str], ours: str, reference: str = "linear") -> list[tuple[str, str]]:
    """(A, B) for each claim: ours over every other method, like with like, and every method over ``reference``.

    ``methods``: kind by key, in order. Oracles, which see the truth, are not compared.
    """
    honest = [method for method, kind in methods.items() if kind != "oracle"]
    over_others = [(ours, method) for method in honest if method != ours]
    over_others += [two for two in LIKE_WITH_LIKE if set(two) <= set(honest) and two not in over_others]
    over_reference = [(method, reference) for method in honest if reference in honest and method != reference]
    return over_others + [pair for pair in over_reference if pair not in over_others]


def compared_in_plane(config: Mapping[str, Any]) -> list[str]:
    """Networks of the study that the table of networks in plane compares, and those that their starting point needs."""
    networks = study_networks(config)
    starts = {name: about(class_of(config, name)).in_plane for name in networks}
    needs = {
        need for name, start in starts.items() if start == "diffusion" for need in config["networks"][name]["needs"]
    }
    return [name for name in networks if starts[name] or name in needs]
