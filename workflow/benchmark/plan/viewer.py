"""The viewer of the report: the cohort and the methods of the whole test volume that it shows."""

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
        """A list with one cohort, or an empty list: no viewer, or neither its cohort nor a stand-in is in the study."""
        name = self.study.config["viewer"]["cohort"]
        names = self.study.present([name]) if name else []
        return [c for c in names if self.study.config["cohorts"][c]["patients"]["test"] and self.methods]

    @cached_property
    def methods(self) -> list[str]:
        """All methods of the study that do not see the truth; the best method is among these."""
        return [m for m in self.study.methods if self.study.kind(m) != "oracle"]

    @property
    def about(self) -> dict[str, Any]:
        """The arguments of the page's job (``benchmark.figures.volumes_page.page``), without its files."""
        config = self.study.config
        always = [m for m in dict.fromkeys((RIVAL, self.study.ours)) if m in self.methods]
        return part(config["viewer"], "patient") | {
            "cohort": self.study.label(self.cohort),
            "always": always,
            "labels": {m: config["methods"][m]["label"] for m in self.methods},
            "folds": config["study"]["folds"],
        }
