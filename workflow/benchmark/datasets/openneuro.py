"""OpenNeuro ds004199 1.0.5 (CC0): FLAIR of people with epilepsy, one each, downloaded file by file over HTTPS.

``ds004199_flair.tsv`` lists path, bytes and SHA-256 of every FLAIR of that version; the server has the newest version,
so the hash detects files that have changed since.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.acquire.fetch import Item, download
from benchmark.datasets import Reader
from benchmark.errors import UserError
from benchmark.files import sha256, text_of, whole

MANIFEST = Path(__file__).with_name("ds004199_flair.tsv")
NAME = re.compile(r"(?P<subject>sub-[0-9A-Za-z]+)/anat/(?P=subject)_acq-(?P<acq>[0-9A-Za-z]+)_FLAIR\.nii\.gz")


class Dataset(Reader):
    """``acquisitions``: the series to draw from; the two 3-D series have 162 of 170 files, the others are thick.

    ``local``: the dataset's folder on this machine. ``parallel``: files at a time. ``url``, ``manifest``: sources.
    """

    modalities = ("FLAIR",)

    def __init__(
        self,
        folder: str | Path,
        *,
        acquisitions: Sequence[str] = ("T2sel", "tse3dvfl"),
        url: str = "https://s3.amazonaws.com/openneuro.org/ds004199",
        manifest: str | Path = MANIFEST,
        parallel: int = 4,
        **common: Any,
    ) -> None:
        super().__init__(folder, **common)
        if self.local is not None and not self.local.is_dir():
            raise UserError(f"{self}: local: {self.local} is not a folder; give the one that holds sub-*")
        self.url, self.parallel = url.rstrip("/"), parallel
        self.rows: dict[str, dict[str, str]] = {}
        text = text_of(Path(manifest).expanduser(), "a manifest")
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t")
        try:
            if lacking := sorted({"path", "sha256", "bytes"} - set(reader.fieldnames or ())):
                raise UserError(
                    f"{manifest}: no column '{lacking[0]}'; a manifest has path, sha256 and bytes, as a TSV"
                )
            for row in reader:
                hit = NAME.fullmatch(row["path"])
                if hit and hit["acq"] in acquisitions:
                    self.rows[hit["subject"]] = row
                if whole(row["bytes"]) is None or not row["sha256"]:
                    raise KeyError("bytes")
        except (KeyError, TypeError, AttributeError, csv.Error) as error:
            raise UserError(
                f"{manifest}: line {reader.line_num}: not a row of path, sha256 and bytes; remove the line"
            ) from error
        if not self.rows:
            raise UserError(
                f"{manifest}: no FLAIR with acquisitions {', '.join(acquisitions)}; name those in its paths"
            )

    def subjects(self) -> list[str]:
        return sorted(self.rows)

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        self.known(subjects, self.rows)
        rows = {subject: self.rows[subject] for subject in subjects}
        if self.local is not None:
            return {subject: self._in_place(self.local / row["path"], row) for subject, row in rows.items()}
        paths = {subject: self.folder / row["path"] for subject, row in rows.items()}
        items = [
            Item(f"{self.url}/{row['path']}", paths[subject], row["sha256"], int(row["bytes"]))
            for subject, row in rows.items()
        ]
        download(items, self.parallel, title=str(self))
        return paths

    def _in_place(self, path: Path, row: dict[str, str]) -> Path:
        if not path.exists():
            raise UserError(f"{path}: missing; download it (datalad get), or remove local: for an automatic download")
        if (digest := sha256(path)) != row["sha256"]:
            raise UserError(f"{path}: SHA-256 {digest}, but ds004199 1.0.5 has {row['sha256']}; download that version")
        return path
