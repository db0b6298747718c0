"""The sources of scans. Each file here is one dataset: a module with a class ``Dataset``, a ``Reader``.

A reader knows where the scans of its dataset are, how to download them and which scans to leave out. It does not know
cohorts, roles, folds or tables: these are drawn from its list.
"""

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from benchmark.errors import UserError, redacted
from benchmark.images.opening import open_image


class Reader(ABC):
    """One dataset.

    ``folder``: the folder of downloads, ``{data}/{reader}``. ``modality``: ``T1``, ``T2``, ``FLAIR`` …
    ``local``: the user's own folder or (if the reader allows it) archive; used in place. ``thickest``: scans with a
    voxel side above this many mm are left out (None: no scan is). ``slices``: scans without an axis of this many voxels
    are left out (None: no scan is).
    """

    modalities: ClassVar[tuple[str, ...]] = ("T1",)
    #: Axis codes to assume if the format stores no reliable orientation (Analyze); None: the file's orientation.
    orientation: ClassVar[str | None] = None

    def __init__(
        self,
        folder: str | Path,
        *,
        modality: str | None = None,
        local: str | Path | None = None,
        thickest: float | None = 2.0,
        slices: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.modality = self.modalities[0] if modality is None else modality.upper()
        if self.modality not in self.modalities:
            raise UserError(f"{self}: modality {modality} is not among {', '.join(self.modalities)}; set one of these")
        self.local = None if local is None else Path(local).expanduser()
        if self.local is not None and not self.local.exists():
            raise UserError(f"{self}: local: {self.local} does not exist; give your folder or archive")
        self.thickest, self.slices = thickest, slices

    def __str__(self) -> str:
        return f"dataset {type(self).__module__.rpartition('.')[2]}"

    @abstractmethod
    def subjects(self) -> list[str]:
        """Id of every candidate, sorted.

        Downloads nothing, except an archive if only the archive lists its subjects.
        """

    @abstractmethod
    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        """Downloads and checks the scans of ``subjects``; returns their image files (in place if local)."""

    def refuse(self, path: Path) -> str | None:
        """The reason to leave out this scan, from its header only; None if the scan is usable."""
        opened = open_image(path, self.orientation)
        shape = list(opened.image.shape)
        while len(shape) > 3 and shape[-1] == 1:
            shape.pop()
        if len(shape) != 3:
            return f"shape {'×'.join(map(str, shape))} is not one volume"
        coarsest = float(opened.spacing.max())
        if self.thickest is not None and coarsest > self.thickest:
            return f"thick: voxels of {coarsest:.3g} mm, above {self.thickest:g} mm"
        if self.slices is not None and self.slices not in shape:
            return f"odd: shape {'×'.join(map(str, shape))} has no axis of {self.slices} slices"
        return None

    def shown(self, subject: str) -> bool:
        """Whether pictures of this subject may be published; False if a part of the face is visible."""
        return True

    def missing(self) -> str | None:
        """What the user must do before ``fetch`` can work, in one line; None if nothing. Does not use the network."""
        return None

    def known(self, subjects: Iterable[str], candidates: Iterable[str]) -> None:
        """Raises ``UserError`` if one of ``subjects`` is not among ``candidates``."""
        if unknown := sorted(set(subjects) - set(candidates)):
            raise UserError(f"{self}: no subject {', '.join(unknown)}; choose ids from its list")


def names() -> list[str]:
    """Names of all readers: the modules of this package, except helper modules (``_``)."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def reader(name: str, folder: str | Path, **options: object) -> Reader:
    """The reader in ``benchmark/datasets/{name}.py``, with the options of a cohort's block in the config.

    Raises ``UserError`` for a name without a file and for an option that the reader does not have.
    """
    if name not in names():
        raise UserError(f"no dataset reader {name!r}; there are {', '.join(names())} in workflow/benchmark/datasets")
    dataset = importlib.import_module(f"{__name__}.{name}").Dataset
    known = {
        key
        for base in dataset.__mro__
        if "__init__" in vars(base)
        for key, parameter in inspect.signature(base.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    if unknown := sorted(set(options) - known):
        raise UserError(f"dataset {name}: no option {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return dataset(folder, **options)


def orientation(name: str) -> str | None:
    """Axis codes that the reader ``name`` assumes for its files; None if the files store their orientation."""
    return importlib.import_module(f"{__name__}.{name}").Dataset.orientation


def of_cohort(cohort: Mapping[str, Any], data: str | Path) -> Reader:
    """The reader of a cohort's block in the config."""
    options = {key: cohort[key] for key in ("modality", "local", "slices") if key in cohort}
    return reader(cohort["reader"], Path(data) / cohort["reader"], **options, **cohort["options"])


def explain_missing(cohorts: Mapping[str, Mapping[str, Any]], data: str | Path) -> list[str]:
    """A line with advice for each dataset that cannot be downloaded yet; datasets of several cohorts once."""
    lines: dict[str, str] = {}
    for name, cohort in cohorts.items():
        try:
            why = of_cohort(cohort, data).missing()
        except UserError as error:
            why = redacted(error)
        if why:
            lines.setdefault(why, name)
    return [f"cohort {name}: {why}" for why, name in lines.items()]
