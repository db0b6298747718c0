"""The blinded survey (section 3.5.5, table 5): on which cohort, of which methods."""

from functools import cached_property
from typing import Any

from benchmark.plan.study import Study, part


class Survey:
    """The config's ``survey``."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def cohort(self) -> list[str]:
        """One, or none."""
        return self.study.present([self.study.config["survey"]["cohort"]])

    @cached_property
    def methods(self) -> list[str]:
        """Methods under survey; controls if there are no others."""
        honest = [m for m in self.study.methods if self.study.kind(m) != "oracle"]
        return [m for m in honest if self.study.kind(m) == "method"] or honest

    @property
    def gap(self) -> dict[str, Any]:
        """The new slices that it shows (``benchmark.figures.gaps.gap``)."""
        return part(self.study.config["survey"], "patient", "region", "n")

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """The gap that it shows of a method on a cohort, or none."""
        return [self.gap] if cohort in self.cohort and method in self.methods else []
