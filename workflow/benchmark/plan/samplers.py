"""The measurements for table 6, the curve of scores over evaluations, and section 3.7."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from benchmark.config.networks import is_diffusion
from benchmark.config.solvers import printed
from benchmark.errors import UserError
from benchmark.plan.study import Study


class Samplers:
    """The config's ``samplers`` and ``efficiency``, for one diffusion method of the study."""

    def __init__(self, study: Study) -> None:
        self.study = study

    @property
    def method(self) -> str | None:
        """The diffusion method that is measured: the first diffusion method of the study."""
        return next((m for m in self.study.methods if is_diffusion(self.study.config, m)), None)

    @cached_property
    def cohorts(self) -> list[str]:
        """Cohorts of table 6 and of the curve: those that the config names, or the stand-in; none if it names none."""
        named = self.study.config["samplers"]["cohorts"]
        return self.study.present(named) if self.method and named else []

    @property
    def where(self) -> str:
        """Text: cohorts, method, and the setting whose samples EDSR was trained on, since EDSR sharpens every row."""
        if self.method is None:
            return ""
        config, method = self.study.config, self.study.config["methods"][self.method]
        text = f"{self.study.label(self.cohorts)}, {method['label']}"
        for name in method["networks"]:
            if config["networks"][name].get("class", name) == "edsr":
                edsr_sampling = config["networks"][name]["training"]
                if "sampling_steps" not in edsr_sampling:
                    raise UserError(
                        f"config: networks.{name}.training: sampling_steps is missing; EDSR learns from samples of the "
                        "diffusion with this number of steps"
                    )
                solver = edsr_sampling.get("sampler", "ddim"), edsr_sampling["sampling_steps"]
                samples = printed(*solver, edsr_sampling.get("eta", 1.0))
                text += (
                    f" (one EDSR sharpens every row; it was trained on samples by {samples}, which slightly favours "
                )
                text += "this η)"
        return text

    @cached_property
    def efficiency_cohort(self) -> list[str]:
        """A list with one cohort, or an empty list."""
        return self.study.present([self.study.config["efficiency"]["cohort"]]) if self.method else []

    @cached_property
    def settings(self) -> list[tuple[str, int, str]]:
        """Sampler, T and η of each row of table 6."""
        rows = self.study.config["samplers"]["settings"]
        return [(row["sampler"], steps, eta) for row in rows for steps in row["steps"] for eta in etas(row)]

    @cached_property
    def curve(self) -> dict[tuple[str, str, str], list[int]]:
        """The T of each line (sampler, η, noise) of the curve of scores over evaluations."""
        curve = self.study.config["samplers"]["curve"]
        return {
            (row["sampler"], eta, noise): row["steps"]
            for noise in curve["noise"]
            for row in curve["settings"]
            for eta in etas(row)
        }


def etas(row: Mapping[str, Any]) -> list[str]:
    """The η of a line of settings as text, for file names and tables; only DDIM has η, other samplers have ``none``."""
    return [f"{eta:g}" for eta in row.get("eta", [1])] if row["sampler"] == "ddim" else ["none"]
