"""The checkpoint of a training: its whole state in one file, from which the same training resumes to the bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from models.fast import laid_as
from models.training.course import Course
from models.training.held_out import HeldOut
from models.training.learner import Learner
from models.training.log import TrainingLog
from models.training.task import lay_out_state


@dataclass(frozen=True)
class Checkpoint:
    """``identity``: what the training is; only a training of the same identity resumes from the file ``path``.

    ``watch``: the measurements for early stopping, or None.
    """

    path: Path
    identity: Mapping[str, Any]
    fabric: Fabric
    learner: Learner
    course: Course
    watch: HeldOut | None
    log: TrainingLog

    def save(self) -> None:
        """Writes the state under another name, then renames the file: a killed process leaves the last checkpoint.

        ``OSError`` that names the file if it cannot be written; the last checkpoint is then unchanged.
        """
        learner = self.learner
        state: dict[str, Any] = {
            "identity": dict(self.identity),
            "course": self.course.state(),
            "held_out": self.watch.state() if self.watch else None,
            "task": learner.task.trained_state(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in learner.optimisers.items()},
            "schedules": {name: rate.state_dict() for name, rate in learner.schedules.items()},
            "ema": learner.ema.state_dict() if learner.ema else None,
            "precision": self.fabric.strategy.precision.state_dict(),  # the loss scale of 16-mixed
            "log": self.log.rows,
            "waits": self.log.waits,
        }
        aside = self.path.with_suffix(".part")
        try:
            self.fabric.save(aside, state)
        except OSError as error:
            aside.unlink(missing_ok=True)
            reason = error.strerror or error
            raise OSError(
                f"{self.path}: the checkpoint cannot be written ({reason}); make room, and run again"
            ) from error
        if self.fabric.is_global_zero:
            aside.replace(self.path)

    def resume(self) -> bool:
        """Restores the state of the file; False if there is none of the same identity. ``ValueError`` if the file is
        damaged."""
        if not self.path.exists():
            return False
        state = self._read()
        if state["identity"] != dict(self.identity):
            return False
        learner = self.learner
        learner.task.load_trained_state(state["task"])
        for name, optimiser in learner.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
            lay_out_state(optimiser)
        for name, rate in learner.schedules.items():
            rate.load_state_dict(state["schedules"][name])
        if learner.ema:
            learner.ema.load_state_dict(state["ema"])
            learner.ema.to(self.fabric.device)
            pairs = zip(learner.ema.shadow_params, learner.task.network.parameters(), strict=True)
            learner.ema.shadow_params = [laid_as(average, parameter) for average, parameter in pairs]
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.course.resume(state["course"])
        if self.watch:
            self.watch.resume(state["held_out"])
        self.log.rows, self.log.waits = state["log"], state["waits"]
        return True

    def _read(self) -> dict[str, Any]:
        try:
            state = self.fabric.load(self.path, weights_only=True)
            if "identity" in state:
                return state
            reason = "it has no identity"
        except MemoryError:
            raise
        except Exception as error:  # PyTorch has no special class for a damaged file
            reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{self.path}: not a whole checkpoint ({reason}); delete it to start this training again")
