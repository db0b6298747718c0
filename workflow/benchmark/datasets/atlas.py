"""ATLAS, Anatomical Tracings of Lesions After Stroke: T1w in MNI space, 197×233×189, 1 mm (Liew et al., 2018).

Release R1.1 is the default, since the article cites Liew et al. (2018), which describes R1; R2.0 came in 2022.

The archive is encrypted; each user gets a password by a form; it is read from the environment.
"""

import os
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from benchmark.acquire.archives import Archive
from benchmark.acquire.fetch import Item, download
from benchmark.acquire.openssl import is_encrypted, open_encrypted
from benchmark.datasets._stored import StoredReader
from benchmark.errors import UserError

VARIABLE = "ATLAS_PASSWORD"
FORM = "https://fcon_1000.projects.nitrc.org/indi/retro/atlas.html"
# Release → pattern of image names: the subject, then the visit; the first visit is used.
NAMES = {
    "R1.1": re.compile(r"(?:^|/)Site\d+/(?P<subject>\d+)/(?P<visit>t\d+)/(?P=subject)_t1w_deface_stx\.nii\.gz$"),
    "R2.0": re.compile(
        r"(?:^|/)(?P<subject>sub-r\d+s\d+)/(?P<visit>ses-\d+)/anat/"
        r"(?P=subject)_(?P=visit)_space-MNI152NLin2009aSym_T1w\.nii\.gz$"
    ),
}
SHA256 = {"R2.0": "b9cdf26486e7dd325d5d6617f2218204bbaa0b649dbca03e729a41a449bef671"}


class Dataset(StoredReader):
    """``release``: R1.1 (229 scans of 220 people) or R2.0 (955).

    ``url``: folder of the releases; ``sha256``: of the archive.
    """

    limit = 64 << 30

    def __init__(
        self,
        folder: str | Path,
        *,
        release: str = "R1.1",
        url: str = "https://fcon_1000.projects.nitrc.org/indi/retro/ATLAS/releases",
        sha256: str | None = None,
        **common: Any,
    ) -> None:
        if release not in NAMES:
            raise UserError(f"dataset atlas: no release {release}; there are {', '.join(NAMES)}")
        self.name, self.archive = NAMES[release], f"ATLAS_{release}_encrypted.tar.gz"
        self.archive_names = (f"ATLAS_{release}*.tar*",)
        self.layout = {
            "R1.1": "Site*/*/t*/*_t1w_deface_stx.nii.gz",
            "R2.0": "sub-r*/ses-*/anat/*_space-MNI152NLin2009aSym_T1w.nii.gz",
        }[release]
        super().__init__(folder, **common)
        self.url = f"{url.rstrip('/')}/{release}/{self.archive}"
        self.sha256 = sha256 or SHA256.get(release)

    def choose(self, name: str) -> bool:
        return self.name.search(name) is not None

    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        first: dict[str, tuple[str, str]] = {}
        for name in names:
            if hit := self.name.search(name):
                visit = hit["visit"], name
                first[hit["subject"]] = min(visit, first.get(hit["subject"], visit))
        return {subject: [name] for subject, (_, name) in first.items()}

    def missing(self) -> str | None:
        if os.environ.get(VARIABLE):
            return None
        paths = self.archives_in(self.local or self.folder)
        if self.local is None and not paths:
            return self.lack(f"request the password with the form at {FORM} and set the variable {VARIABLE}")
        if self.local is not None and self.local.is_file():
            paths = [self.local]
        return next((_no_password(path) for path in paths if is_encrypted(path)), None)

    def open_local(self, path: Path) -> Archive:
        return Archive(path, self.limit, opener=self._open)

    def archives(self) -> list[Archive]:
        if lack := self.missing():
            raise UserError(lack)
        path = next(iter(self.archives_in(self.folder)), self.folder / self.archive)
        return [Archive(path, self.limit, opener=self._open, provide=partial(self._download, path))]

    def _download(self, path: Path) -> None:
        download([Item(self.url, path, self.sha256)], title=str(self))

    def _open(self, path: Path) -> IO[bytes]:
        if not is_encrypted(path):
            return open(path, "rb")
        if not (password := os.environ.get(VARIABLE)):
            raise UserError(_no_password(path))
        return cast(IO[bytes], open_encrypted(path, password))


def _no_password(path: Path) -> str:
    return f"{path}: encrypted: set the variable {VARIABLE}; request the password with the form at {FORM}"
