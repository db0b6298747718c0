"""The blinded survey (section 3.5.5, table 5): its cohort, its methods and its gap."""

from functools import cached_property
from typing import Any

from benchmark.plan.study import Study, part


class Survey:
    """The config's ``survey``."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def cohort(self) -> list[str]:
        """A list with one cohort, or an empty list."""
        return self.study.present([self.study.config["survey"]["cohort"]])

    @cached_property
    def methods(self) -> list[str]:
        """The methods in the survey; controls if there are no other methods."""
        without_oracles = [m for m in self.study.methods if self.study.kind(m) != "oracle"]
        return [m for m in without_oracles if self.study.kind(m) == "method"] or without_oracles

    @property
    def gap(self) -> dict[str, Any]:
        """The new slices that the survey shows (``benchmark.figures.gaps.gap``)."""
        return part(self.study.config["survey"], "patient", "region", "n")

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """A list with the gap of a method on a cohort in the survey, or an empty list."""
        return [self.gap] if cohort in self.cohort and method in self.methods else []
