"""The tables of a study, with their cohorts and networks."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from benchmark.config.networks import about, class_of, study_networks
from benchmark.plan.samplers import Samplers
from benchmark.plan.study import Study
from benchmark.plan.survey import Survey

NUMBERS = (1, 2, 3, 4)
"""The article's tables of scores; a cohort's ``table`` is the number of its table."""


class Tables:
    """The article's tables 1–6 and the tables of efficiency and significance."""

    def __init__(self, study: Study, samplers: Samplers, survey: Survey) -> None:
        self.study, self.samplers, self.survey = study, samplers, survey

    def cohorts(self, table: int | str) -> list[str]:
        """The study's cohorts in one of the tables 1–4, or the stand-in, or an empty list."""
        return self.study.present(c for c in self.study.cohorts if self._number(c) == int(table))

    def same(self, table: int | str) -> list[int]:
        """The tables 1–4 that have the same cohorts in this study and so would be identical."""
        cohorts = self.cohorts(table)
        return [n for n in NUMBERS if n == int(table) or (cohorts and self.cohorts(n) == cohorts)]

    def stands_for(self, table: int | str) -> list[int]:
        """The article's tables that a table replaces because one cohort stands in for theirs; often empty."""
        about = self.study.config["cohorts"]
        numbers = {self._number(cohort) for cohort in self.study.cohorts if "paper" in about[cohort]}
        return [n for n in self.same(table) if n not in numbers] if self.study.stand_in else []

    @cached_property
    def scores(self) -> list[str]:
        """Names of the tables of scores (1–4) in this study, without duplicates."""
        return [f"table{n}" for n in NUMBERS if self.cohorts(n) and n == min(self.same(n))]

    @cached_property
    def others(self) -> list[str]:
        """Names of the other tables."""
        names = ["table5"] if self.survey.cohort else []
        names += ["table6"] if self.samplers.cohorts and self.samplers.settings else []
        names += ["efficiency"] if self.samplers.efficiency_cohort else []
        return names + (["significance"] if self.study.claims else [])

    @property
    def names(self) -> list[str]:
        """Names of all tables."""
        return self.scores + self.others

    def _number(self, cohort: str) -> int:
        return self.study.config["cohorts"][cohort]["table"]


def compared_in_plane(config: Mapping[str, Any]) -> list[str]:
    """Networks of the study in the table of networks in plane, and the networks that their starting points need."""
    networks = study_networks(config)
    starts = {name: about(class_of(config, name)).in_plane for name in networks}
    sharpening = [name for name in networks if starts[name] == "diffusion"]
    needs = {need for name in sharpening for need in config["networks"][name]["needs"]}
    return [name for name in networks if starts[name] or name in needs]
