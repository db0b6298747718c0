"""OASIS-1, cross-sectional: T1w, 256×256×160 sagittal slices of 1 mm, Analyze 7.5 (Marcus et al., 2007).

One image per subject, the average of the subject's scans after motion correction: ``PROCESSED/MPRAGE/SUBJ_111``.
Sessions ``MR2`` are second visits of the same people, so only ``MR1`` is used: no person is in both training and test.
"""

import hashlib
import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmark.acquire.archives import Archive
from benchmark.acquire.fetch import Item, download
from benchmark.datasets._stored import StoredReader
from benchmark.errors import UserError

log = logging.getLogger(__name__)

NAME = re.compile(
    r"(?:^|/)(?P<subject>OAS1_\d{4})_MR1/PROCESSED/MPRAGE/SUBJ_111/"
    r"(?P=subject)_MR1_mpr_n\d_anon_sbj_111\.(?P<kind>img|hdr)$"
)
TERMS = "https://sites.wustl.edu/oasisbrains/"
# Known for the first disc only, from a secondary source: a difference is only reported; gzip's checksum decides.
MD5 = {1: "c83e216ef8654a7cc9e2a30a4cdbe0cc"}


class Dataset(StoredReader):
    """``accept_terms``: true means that you have read and accept the data use agreement; needed to download.

    ``discs``: which of the 12 archives (1.4 GB, about 35 people each) to draw from. ``url``: their folder.
    """

    # The header says "sagittal unflipped", which in Analyze 7.5 means rows to the front, columns up, slices from right
    # to left. OASIS-TRT-20 has the same orientation, and only with it do the scans agree with their copies in Talairach
    # space: correlation 0.90 to 0.92, against 0.70 to 0.80 with left and right exchanged.
    orientation = "ASL"
    archive_names = ("oasis_cross-sectional_disc*.tar.gz", "*disc*.tar*")
    limit = 12 << 30
    layout = "OAS1_*_MR1/PROCESSED/MPRAGE/SUBJ_111/*_sbj_111.img"

    def __init__(
        self,
        folder: str | Path,
        *,
        accept_terms: bool = False,
        discs: Sequence[int] = (1,),
        url: str = "https://download.nrg.wustl.edu/data",
        **common: Any,
    ) -> None:
        super().__init__(folder, **common)
        if not discs or not set(discs) <= set(range(1, 13)):
            raise UserError(f"{self}: discs {list(discs)}: give some of 1 to 12")
        self.accept_terms, self.discs, self.url = accept_terms is True, discs, url.rstrip("/")

    def choose(self, name: str) -> bool:
        return NAME.search(name) is not None

    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        pairs: dict[str, dict[str, str]] = {}
        for name in sorted(names):
            if hit := NAME.search(name):
                pairs.setdefault(hit["subject"], {})[hit["kind"]] = name
        return {subject: [pair["img"], pair["hdr"]] for subject, pair in pairs.items() if len(pair) == 2}

    def missing(self) -> str | None:
        if self.local is not None or self.accept_terms or all(path.exists() for path in self._paths().values()):
            return None
        return self.lack(f"read the data use agreement at {TERMS} and set options: {{accept_terms: true}} to download")

    def _paths(self) -> dict[int, Path]:
        return {disc: self.folder / f"oasis_cross-sectional_disc{disc}.tar.gz" for disc in self.discs}

    def archives(self) -> list[Archive]:
        if lack := self.missing():
            raise UserError(lack)
        return [Archive(path, self.limit, provide=self._download) for path in self._paths().values()]

    def _download(self) -> None:
        """Downloads all missing discs, a few at a time."""
        log.warning("OASIS-1 comes under the data use agreement at %s, which your config says you accept", TERMS)
        lacking = {disc: path for disc, path in self._paths().items() if not path.exists()}
        download([Item(f"{self.url}/{path.name}", path) for path in lacking.values()], title=str(self))
        for disc in set(lacking) & set(MD5):
            with open(lacking[disc], "rb") as file:
                md5 = hashlib.file_digest(file, "md5").hexdigest()
            if md5 != MD5[disc]:
                log.warning("%s: MD5 %s, not %s as published elsewhere", lacking[disc], md5, MD5[disc])
