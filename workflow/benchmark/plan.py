"""What tables, figures, claims and survey a study has, worked out from its checked config.

Read while rules are parsed, so it imports nothing that takes time.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from benchmark.errors import UserError

# Methods that differ in what is interpolated (latents or pixels) and in nothing else: both with EDSR, both without.
LIKE_WITH_LIKE = (("ours", "baseline_edsr"), ("ours_no_edsr", "baseline"))


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
            if spec["draw"] == "compare" and spec["n"] % 2 == 0:
                raise UserError(f"config: figures.{name}.n: {spec['n']} is even; compare needs a truth in the middle")

    def in_study(self, cohorts: Iterable[str]) -> list[str]:
        """Those of ``cohorts`` that are in the study, or the one that stands in for them, or none."""
        return [c for c in cohorts if c in self.cohorts] or ([self.stand_in] if self.stand_in else [])

    def kind(self, method: str) -> str:
        return self.config["methods"][method]["kind"]

    def label(self, cohorts: Iterable[str]) -> str:
        return ", ".join(self.config["cohorts"][cohort]["label"] for cohort in cohorts)

    def labels(self, cohorts: Iterable[str]) -> dict[str, Any]:
        """What of the config is printed: a changed label makes a table again, and nothing else does."""
        about = self.config["cohorts"]
        return {
            "study": _part(self.config["study"], "folds", "methods"),
            "cohorts": {c: _part(about[c], "label", "paper", "patients", "partial") for c in cohorts},
            "methods": {
                m: _part(self.config["methods"][m], "label", "kind", "origin") | {"features": self.features(m)}
                for m in self.methods
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

    @cached_property
    def tables(self) -> list[str]:
        """All tables, by name."""
        names = [f"table{n}" for n in (1, 2, 3, 4) if self.cohorts_of_table(n)]
        names += ["table5"] if self.survey_cohort else []
        names += ["table6"] if self.sampler_cohorts else []
        names += ["efficiency"] if self.efficiency_cohort else []
        return names + (["significance"] if self.claims else [])

    # Figures

    @property
    def pair(self) -> list[str]:
        """Interpolation of latents and of pixels, all else alike; the first two methods of a study without such two."""
        alike = (list(two) for two in LIKE_WITH_LIKE if set(two) <= set(self.methods))
        return next(alike, self.methods[:2])

    def cohort_of_figure(self, figure: str) -> str | None:
        """The figure's cohort, or the one that stands in for it."""
        return next(iter(self.in_study([self.config["figures"][figure]["cohort"]])), None)

    def methods_of_figure(self, figure: str) -> list[str]:
        """Those its line names, or else what its way to draw shows."""
        spec = self.config["figures"][figure]
        by_draw = {
            "scores": [m for m in self.methods if m != "truth"],
            "between": self.pair,
            "sequence": self.pair[:1],
            "source": [],
            "compare": [m for m in self.methods if self.kind(m) != "oracle"],
        }
        return spec.get("methods") or by_draw[spec["draw"]]

    @cached_property
    def figures(self) -> list[str]:
        """Every figure whose cohort (or its stand-in) and methods are in the study."""
        return [
            figure
            for figure in sorted(self.config["figures"])
            if self.cohort_of_figure(figure) and set(self.methods_of_figure(figure)) <= set(self.methods)
        ]

    def scene(self, figure: str) -> dict[str, Any]:
        """All that a figure's job is told (``benchmark.figures.scene.Scene``), but for its files."""
        spec, cohort = self.config["figures"][figure], self.cohort_of_figure(figure)
        return {
            "figure": figure,
            "spec": spec | self.gap(spec),
            "cohort": self.config["cohorts"][cohort]["label"],
            "pair": self.pair,
            "methods": self.methods_of_figure(figure),
            "labels": {m: self.config["methods"][m]["label"] for m in self.methods},
            "fold": 1,
            "folds": self.config["study"]["folds"],
            "stand_in": cohort != spec["cohort"],
        }

    # New slices between two slices

    @staticmethod
    def gap(spec: Mapping[str, Any]) -> dict[str, Any]:
        """What a figure's line (or the survey's) says of the new slices it needs (``benchmark.figures.gaps.gap``)."""
        return _part(spec, "patient", "region", "n") | {"removed": spec.get("draw") == "compare"}

    def draws_gaps(self, figure: str) -> bool:
        """Whether a figure shows new slices that the protocol alone does not make."""
        spec = self.config["figures"][figure]
        return spec["draw"] in ("between", "sequence") or (spec["draw"] == "compare" and spec["n"] > 1)

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
        return pairs({m: self.kind(m) for m in self.methods}, self.pair[0])

    @property
    def sampled(self) -> str | None:
        """The diffusion method that table 6 and section 3.7 are about: the first one of the study."""
        return next((m for m in self.methods if "ldm" in self.config["methods"][m]["networks"]), None)

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
