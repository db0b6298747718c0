"""The outputs of a study, derived from its checked config; one file for each part of the study.

Snakemake imports this while it parses rules, so imports must be fast.
"""

from collections.abc import Mapping
from typing import Any

from benchmark.plan.figures import Figures
from benchmark.plan.samplers import Samplers
from benchmark.plan.study import Study
from benchmark.plan.survey import Survey
from benchmark.plan.tables import Tables
from benchmark.plan.viewer import Viewer


class Plan:
    """The config's ``study`` with its cohorts, methods and networks. Raises ``UserError`` if they do not match."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.study = Study(config)
        self.samplers = Samplers(self.study)
        self.survey = Survey(self.study)
        self.figures = Figures(self.study)
        self.viewer = Viewer(self.study)
        self.tables = Tables(self.study, self.samplers, self.survey)

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """All gaps of a method on a cohort that figures and the survey show, without duplicates
        (``benchmark.figures.gaps``)."""
        gaps = self.figures.gaps(cohort, method) + self.survey.gaps(cohort, method)
        return [gap for i, gap in enumerate(gaps) if gap not in gaps[:i]]
