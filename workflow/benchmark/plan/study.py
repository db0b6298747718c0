"""The cohorts and methods of a study, their labels, and the pairs of methods that are compared."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from benchmark.errors import UserError

# Methods that differ only in where interpolation happens (latents or pixels): both with EDSR, both without.
LIKE_WITH_LIKE = (("ours", "baseline_edsr"), ("ours_no_edsr", "baseline"))


def part(whole: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The named keys of ``whole``, if present."""
    return {key: whole[key] for key in keys if key in whole}


class Study:
    """The config's ``study``. Raises ``UserError`` if the stand-in is not a cohort of the study."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self.cohorts: list[str] = config["study"]["cohorts"]
        self.methods: list[str] = config["study"]["methods"]
        self.stand_in: str | None = config["study"]["stand_in"]
        if self.stand_in is not None and self.stand_in not in self.cohorts:
            raise UserError(f"config: study.stand_in: '{self.stand_in}' is not one of study.cohorts")

    def present(self, cohorts: Iterable[str]) -> list[str]:
        """The cohorts of ``cohorts`` that are in the study, or the stand-in, or an empty list."""
        return [c for c in cohorts if c in self.cohorts] or ([self.stand_in] if self.stand_in else [])

    def kind(self, method: str) -> str:
        return self.config["methods"][method]["kind"]

    def label(self, cohorts: Iterable[str]) -> str:
        """Labels of cohorts as one text."""
        return ", ".join(self.config["cohorts"][cohort]["label"] for cohort in cohorts)

    def labels(self, cohorts: Iterable[str], methods: Iterable[str] | None = None) -> dict[str, Any]:
        """The printed part of the config, so that only a changed label makes a table again.

        ``methods``: by default all methods of the study.
        """
        about = self.config["cohorts"]
        return {
            "study": part(self.config["study"], "folds", "methods"),
            "cohorts": {c: part(about[c], "label", "axis", "paper", "patients", "partial") for c in cohorts},
            "methods": {
                m: part(self.config["methods"][m], "label", "kind", "origin") | {"features": self.features(m)}
                for m in methods or self.methods
            },
        }

    def frame(self, cohorts: Iterable[str]) -> dict[str, Any]:
        """Facts about the cohorts' slices for captions (``benchmark.cohort.frame``)."""
        about = {}
        for name in cohorts:
            cohort = self.config["cohorts"][name]
            frame = self.config["preprocess"] | cohort.get("preprocess", {})
            about[name] = part(cohort, "label", "axis") | part(frame, "size", "shrink")
        return part(self.config["protocol"], "antialias") | {"cohorts": about}

    def features(self, method: str) -> list[str]:
        """Feature extractors (``alex``, ``vgg``) in the losses of its networks; LPIPS with the same features favours
        the method."""
        trained = [self.config["networks"][name]["training"] for name in self.config["methods"][method]["networks"]]
        return sorted({t.get("perceptual_net", "vgg") for t in trained if t.get("perceptual_weight", 0) > 0})

    @property
    def ours(self) -> str:
        """The article's method, or the first method of a study without it."""
        return "ours" if "ours" in self.methods else self.methods[0]

    @property
    def pair(self) -> list[str]:
        """The methods that interpolate latents and pixels, otherwise equal; else the first two methods of the study."""
        alike = (list(two) for two in LIKE_WITH_LIKE if set(two) <= set(self.methods))
        return next(alike, self.methods[:2])

    @cached_property
    def article(self) -> list[str]:
        """The article's methods in this study, ours and the baseline with the same networks; else all methods except
        oracles."""
        of_article = [m for m in self.methods if self.config["methods"][m].get("origin") == "article"]
        others = [m for m in of_article if m not in {name for two in LIKE_WITH_LIKE for name in two}]
        return [*self.pair, *others] if others else [m for m in self.methods if self.kind(m) != "oracle"]

    @cached_property
    def claims(self) -> list[tuple[str, str]]:
        """(A, B): A is better than B."""
        return pairs({m: self.kind(m) for m in self.methods}, self.ours)


def pairs(methods: Mapping[str, str], ours: str, reference: str = "linear") -> list[tuple[str, str]]:
    """(A, B) for each claim: ours over every other method, pairs of equal methods apart from interpolation, and every
    method over ``reference``.

    ``methods``: kind by key, in order. Oracles, which see the truth, are not compared.
    """
    without_oracles = [method for method, kind in methods.items() if kind != "oracle"]
    over_others = [(ours, method) for method in without_oracles if method != ours]
    over_others += [two for two in LIKE_WITH_LIKE if set(two) <= set(without_oracles) and two not in over_others]
    over_reference = [
        (method, reference) for method in without_oracles if reference in without_oracles and method != reference
    ]
    return over_others + [pair for pair in over_reference if pair not in over_others]
