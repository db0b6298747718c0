"""Any BIDS folder that the user has: ``sub-*/[ses-*/]anat/*_{suffix}.nii[.gz]``, used in place."""

import gzip
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.datasets import Reader
from benchmark.errors import UserError
from benchmark.images.opening import reading

log = logging.getLogger(__name__)


class Dataset(Reader):
    """``suffix``: as in the file names, by default from the modality (``T1w``, ``T2w`` …).

    ``entities``: required in the name, e.g. ``{acq: mprage, run: 1}``; null: the entity must be absent. ``session``:
    short for ``entities: {ses: …}``. ``datatype``: the folder, ``anat``.
    """

    modalities = ("T1", "T2", "FLAIR", "PD")

    def __init__(
        self,
        folder: str | Path,
        *,
        suffix: str | None = None,
        entities: Mapping[str, Any] | None = None,
        session: str | None = None,
        datatype: str = "anat",
        **common: Any,
    ) -> None:
        super().__init__(folder, **common)
        if self.local is None:
            raise UserError(f"{self}: no folder given; set local: to the BIDS folder (the one that holds sub-*)")
        if not self.local.is_dir():
            raise UserError(f"{self}: local: {self.local} is not a folder; give the one that holds sub-*")
        self.root = self.local
        self.suffix = suffix or {"FLAIR": "FLAIR"}.get(self.modality, f"{self.modality}w")
        self.entities = dict(entities or {}) | ({} if session is None else {"ses": session})
        self.datatype = datatype

    def subjects(self) -> list[str]:
        """Folders ``sub-*`` with exactly one matching image. Raises ``UserError`` if a folder has several."""
        images = self._images()
        for pattern in ("", self.datatype, "ses-*", f"ses-*/{self.datatype}"):  # a glob leaves them out without a word
            for folder in self.root.glob(f"sub-*/{pattern}"):
                if folder.is_dir() and not os.access(folder, os.R_OK | os.X_OK):
                    log.warning("%s: cannot be read (Permission denied), so no scan in it is used", folder)
        return sorted(images)

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        images = self._images()
        self.known(subjects, images)
        for subject in subjects:
            if not images[subject].exists():  # a link into git-annex without downloaded content
                raise UserError(
                    f"{images[subject]}: a link to a missing file; download its content first (datalad get)"
                )
        return {subject: images[subject] for subject in subjects}

    def _images(self) -> dict[str, Path]:
        scans: dict[str, Path] = {}
        for home in sorted(self.root.glob("sub-*")):
            patterns = (f"{self.datatype}/*", f"ses-*/{self.datatype}/*")
            matching = (path for pattern in patterns for path in home.glob(pattern) if self._matches(path))
            images = _without_twins(sorted(matching))
            if len(images) > 1:
                listed = ", ".join(str(path.relative_to(home)) for path in images)
                raise UserError(
                    f"{home}: {len(images)} {self.suffix} images ({listed}); choose by session: or entities:"
                )
            if images:
                scans[home.name] = images[0]
        if not scans:
            condition = "".join(f" with {key}-{value}" for key, value in self.entities.items())
            raise UserError(f"{self.root}: no sub-*/[ses-*/]{self.datatype}/*_{self.suffix}.nii[.gz]{condition} in it")
        return scans

    def _matches(self, path: Path) -> bool:
        stem = path.name.removesuffix(".gz").removesuffix(".nii")
        if stem == path.name.removesuffix(".gz") or stem.startswith("."):  # ._sub-01_T1w.nii.gz: a file that a Mac adds
            return False
        *pairs, suffix = stem.split("_")
        held = dict(pair.split("-", 1) for pair in pairs if "-" in pair)
        return suffix == self.suffix and all(
            key not in held if value is None else held.get(key) is not None and _same(held[key], str(value))
            for key, value in self.entities.items()
        )


def _without_twins(images: list[Path]) -> list[Path]:
    """Keeps only the compressed file of an image with and without compression; ``UserError`` if the two differ."""
    kept = []
    for path in images:
        packed = path.with_name(f"{path.name}.gz")
        if path.suffix != ".nii" or packed not in images:
            kept.append(path)
            continue
        if not (packed.exists() and path.exists()):  # a link into git-annex without downloaded content
            continue
        with reading(str(packed)), gzip.open(packed) as one, open(path, "rb") as other:
            while (part := one.read(1 << 20)) == other.read(1 << 20) and part:
                pass
            if part or other.read(1):
                raise UserError(f"{path}: differs from {packed.name} next to it; remove one of the two")
    return kept


def _same(held: str, requested: str) -> bool:
    """Indices such as ``run-01`` may be written with any number of leading zeros."""
    return held == requested or (held.isdigit() and requested.isdigit() and int(held) == int(requested))
