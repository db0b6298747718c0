"""Which tables a study has, and which cohorts and networks are in them."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from benchmark.config import study_networks
from benchmark.config.networks import about, class_of
from benchmark.plan.samplers import Samplers
from benchmark.plan.study import Study
from benchmark.plan.survey import Survey

NUMBERS = (1, 2, 3, 4)
"""The article's tables of scores; a cohort's ``table`` says which one it is in."""


class Tables:
    """The article's tables 1–6 and those of efficiency and significance."""

    def __init__(self, study: Study, samplers: Samplers, survey: Survey) -> None:
        self.study, self.samplers, self.survey = study, samplers, survey

    def cohorts(self, table: int | str) -> list[str]:
        """The study's cohorts that go into one of the tables 1–4, or the one that stands in for them, or none."""
        return self.study.present(c for c in self.study.cohorts if self._number(c) == int(table))

    def same(self, table: int | str) -> list[int]:
        """Those of the tables 1–4 that have the same cohorts in this study, and so would be the same table."""
        cohorts = self.cohorts(table)
        return [n for n in NUMBERS if n == int(table) or (cohorts and self.cohorts(n) == cohorts)]

    def stands_for(self, table: int | str) -> list[int]:
        """The tables of the article that a table is made for by the cohort that stands in for their own; often none."""
        about = self.study.config["cohorts"]
        own = {self._number(cohort) for cohort in self.study.cohorts if "paper" in about[cohort]}
        return [n for n in self.same(table) if n not in own] if self.study.stand_in else []

    @cached_property
    def scores(self) -> list[str]:
        """The tables of scores (1–4) that this study has, by name, each once."""
        return [f"table{n}" for n in NUMBERS if self.cohorts(n) and n == min(self.same(n))]

    @cached_property
    def others(self) -> list[str]:
        """The other tables, by name."""
        names = ["table5"] if self.survey.cohort else []
        names += ["table6"] if self.samplers.cohorts else []
        names += ["efficiency"] if self.samplers.efficiency_cohort else []
        return names + (["significance"] if self.study.claims else [])

    @property
    def names(self) -> list[str]:
        """All tables, by name."""
        return self.scores + self.others

    def _number(self, cohort: str) -> int:
        return self.study.config["cohorts"][cohort]["table"]


def compared_in_plane(config: Mapping[str, Any]) -> list[str]:
    """Networks of the study that the table of networks in plane compares, and those that their starting point needs."""
    networks = study_networks(config)
    starts = {name: about(class_of(config, name)).in_plane for name in networks}
    sharpening = [name for name in networks if starts[name] == "diffusion"]
    needs = {need for name in sharpening for need in config["networks"][name]["needs"]}
    return [name for name in networks if starts[name] or name in needs]
