"""OASIS-TRT-20: 20 skull-stripped T1w scans of OASIS, 256×256×160 sagittal slices of 1 mm (Mindboggle; Klein 2012).

More probably the article's OASIS than the whole-head scans of OASIS-1 (reader `oasis`): the article's 17 + 3 patients
match these 20, and the authors' figure 2 shows skull-stripped sagittal slices. The article cites Marcus et al. (2007).
"""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.acquire.archives import Archive
from benchmark.acquire.fetch import Item, download
from benchmark.datasets._stored import StoredReader
from benchmark.errors import UserError

log = logging.getLogger(__name__)

# Names as published by Mindboggle, and names in a BIDS folder of the same scans.
NAME = re.compile(
    r"(?:^|/)(?:OASIS-TRT-20-(?P<number>\d{1,2})/t1weighted_brain|sub-(?P<bids>\d{1,2})/anat/sub-(?P=bids)_T1w)\.nii\.gz$"
)
TERMS = "https://mindboggle.info/data.html"
ARCHIVE = "OASIS-TRT-20_volumes.tar.gz"


class Dataset(StoredReader):
    """``accept_terms``: true means that you accept the licence, CC BY-NC-SA 3.0; needed to download.

    ``url``: of the archive (408 MB). ``sha256``: of the archive, if you know it.
    """

    archive_names = ("OASIS-TRT-20_volumes*.tar*",)
    limit = 4 << 30
    layout = "OASIS-TRT-20-*/t1weighted_brain.nii.gz or sub-*/anat/sub-*_T1w.nii.gz"

    def __init__(
        self,
        folder: str | Path,
        *,
        accept_terms: bool = False,
        url: str = "https://osf.io/download/tyvhs/",
        sha256: str | None = None,
        **common: Any,
    ) -> None:
        super().__init__(folder, **common)
        self.accept_terms, self.url, self.sha256 = accept_terms is True, url, sha256

    def choose(self, name: str) -> bool:
        return NAME.search(name) is not None

    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Subjects ``OASIS-TRT-20-01`` … ``-20``; if a folder has both layouts, Mindboggle's."""
        scans: dict[str, str] = {}
        for name in sorted(names, key=lambda name: "/anat/" in name):
            if hit := NAME.search(name):
                scans.setdefault(f"OASIS-TRT-20-{int(hit['number'] or hit['bids']):02d}", name)
        return {subject: [name] for subject, name in scans.items()}

    def missing(self) -> str | None:
        if self.local is not None or self.accept_terms or self.archives_in(self.folder):
            return None
        return self.lack(
            f"read the licence (CC BY-NC-SA 3.0, {TERMS}) and set options: {{accept_terms: true}} to download"
        )

    def archives(self) -> list[Archive]:
        if lack := self.missing():
            raise UserError(lack)
        path = next(iter(self.archives_in(self.folder)), self.folder / ARCHIVE)
        return [Archive(path, self.limit, provide=lambda: self._download(path))]

    def _download(self, path: Path) -> None:
        log.warning("OASIS-TRT-20 comes under CC BY-NC-SA 3.0 (%s), which your config says you accept", TERMS)
        download([Item(self.url, path, self.sha256)], title=str(self))
