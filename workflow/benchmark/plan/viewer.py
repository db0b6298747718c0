"""The viewer of the report: which cohort's test volume it shows whole, and by which methods."""

from functools import cached_property
from typing import Any

from benchmark.plan.study import Study, part

RIVAL = "linear"


class Viewer:
    """The config's ``viewer``."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @cached_property
    def cohort(self) -> list[str]:
        """One, or none: the viewer is switched off, or its cohort is not in the study and none stands in for it."""
        wanted = self.study.config["viewer"]["cohort"]
        found = self.study.present([wanted]) if wanted else []
        return [c for c in found if self.study.config["cohorts"][c]["patients"]["test"] and self.methods]

    @cached_property
    def methods(self) -> list[str]:
        """All of the study that do not see the truth: one of them is the best."""
        return [m for m in self.study.methods if self.study.kind(m) != "oracle"]

    @property
    def about(self) -> dict[str, Any]:
        """All that the page's job is given (``benchmark.figures.whole.page``), but for its files."""
        config = self.study.config
        always = [m for m in dict.fromkeys((RIVAL, self.study.ours)) if m in self.methods]
        return part(config["viewer"], "patient") | {
            "cohort": self.study.label(self.cohort),
            "always": always,
            "labels": {m: config["methods"][m]["label"] for m in self.methods},
            "folds": config["study"]["folds"],
        }
