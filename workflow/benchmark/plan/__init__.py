"""What a study makes, worked out from its checked config: by part, each with the questions that its rules ask.

Read while rules are parsed, so it imports nothing that takes time.
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
    """The config's ``study`` set against its catalogues. Raises ``UserError`` where they do not go together."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.study = Study(config)
        self.samplers = Samplers(self.study)
        self.survey = Survey(self.study)
        self.figures = Figures(self.study)
        self.viewer = Viewer(self.study)
        self.tables = Tables(self.study, self.samplers, self.survey)

    def gaps(self, cohort: str, method: str) -> list[dict[str, Any]]:
        """All gaps that figures and the survey show of a method on a cohort, each once (``benchmark.figures.gaps``)."""
        wanted = self.figures.gaps(cohort, method) + self.survey.gaps(cohort, method)
        return [gap for i, gap in enumerate(wanted) if gap not in wanted[:i]]
