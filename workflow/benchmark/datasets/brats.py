"""BraTS 2021, task 1: T1, T2, FLAIR of people with a glioma, skull-stripped, 240×240×155, 1 mm (Baid et al., 2021).

Any folder ``ID`` with ``ID_t1.nii.gz``, ``ID_t2.nii.gz`` and ``ID_flair.nii.gz`` is a subject: ids have gaps, and
releases from 2018 to 2020 look the same. From 2023 on, files are named ``ID-t1n``, ``ID-t2w`` and ``ID-t2f``, and an id
(``BraTS-GLI-00020-001``) ends with the number of the examination, so only the first of a patient is used: no person is
in both training and test. All three files are required, so that every modality has the same patients.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmark.acquire.archives import Archive
from benchmark.datasets._stored import StoredReader
from benchmark.errors import UserError, redacted

NAME = re.compile(
    r"(?:^|/)(?P<subject>[^/]+)/(?P=subject)(?:_(?P<kind>t1|t2|flair|t1ce)|-(?P<new>t1n|t2w|t2f|t1c))\.nii(?:\.gz)?$"
)
EXAMINATION = re.compile(r"(?P<patient>BraTS-[A-Za-z]+-\d+)-\d+")
KINDS = {"T1": "t1", "T2": "t2", "FLAIR": "flair", "T1CE": "t1ce"}
SINCE_2023 = {"t1n": "t1", "t2w": "t2", "t2f": "flair", "t1c": "t1ce"}
PROJECT = "syn25829067"
PAGES = f"https://www.synapse.org/Synapse:{PROJECT} or https://www.kaggle.com/datasets/dschettler8845/brats-2021-task1"
KAGGLE = "dschettler8845/brats-2021-task1"
ARCHIVE = "BraTS2021_Training_Data.tar"
ARCHIVE_NAME = re.compile(r"(?P<id>syn\d+)\s+(?P<name>\S*BraTS2021_Training\S*\.(?:tar|tar\.gz|tgz|zip))\s*$", re.I)


class Dataset(StoredReader):
    """Downloads with the client of Synapse or Kaggle, if the client is installed and logged in.

    ``synapse_id``: of the archive, if its name does not identify it among the project's files.
    """

    modalities = tuple(KINDS)
    archive_names = ("*BraTS2021_Training*", "brats-2021-task1*", "archive.zip")
    limit = 64 << 30
    layout = "ID/ID_t1.nii.gz, ID_t2.nii.gz, ID_flair.nii.gz (or ID-t1n, ID-t2w, ID-t2f)"

    def __init__(self, folder: str | Path, *, synapse_id: str | None = None, **common: Any) -> None:
        super().__init__(folder, **common)
        self.synapse_id = synapse_id

    def choose(self, name: str) -> bool:
        return NAME.search(name) is not None

    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        kinds: dict[str, dict[str, str]] = {}
        for name in sorted(names):
            if hit := NAME.search(name):
                kind = hit["kind"] or SINCE_2023[hit["new"]]
                kinds.setdefault(hit["subject"], {}).setdefault(kind, name)
        kind = KINDS[self.modality]
        needed = {"t1", "t2", "flair", kind}
        first: dict[str, str] = {}
        for subject in sorted(subject for subject, files in kinds.items() if needed <= set(files)):
            examination = EXAMINATION.fullmatch(subject)
            first.setdefault(examination["patient"] if examination else subject, subject)
        return {subject: [kinds[subject][kind]] for subject in first.values()}

    def missing(self) -> str | None:
        if self.local is not None or self.archives_in(self.folder) or self._clients():
            return None
        return self.lack(
            f"register at {PAGES}; then install synapseclient and set SYNAPSE_AUTH_TOKEN, or install kaggle and set "
            "KAGGLE_USERNAME and KAGGLE_KEY"
        )

    def _clients(self) -> list[str]:
        """Clients that are installed and have credentials."""
        kaggle = Path(os.environ.get("KAGGLE_CONFIG_DIR", "~/.kaggle")).expanduser() / "kaggle.json"
        ready = {
            "synapse": bool(os.environ.get("SYNAPSE_AUTH_TOKEN")) or Path("~/.synapseConfig").expanduser().exists(),
            "kaggle": bool(os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY")) or kaggle.exists(),
        }
        return [client for client, login in ready.items() if login and shutil.which(client)]

    def archives(self) -> list[Archive]:
        if present := self.archives_in(self.folder):
            return [Archive(path, self.limit) for path in present]
        return [Archive(self._download(), self.limit)]

    def _download(self) -> Path:
        """Downloads with the first working client, first into a temporary folder, because clients leave partial
        files."""
        if lack := self.missing():
            raise UserError(lack)
        client = self._clients()[0]
        aside = self.folder / f"{client}.part"
        aside.mkdir(parents=True, exist_ok=True)
        if client == "synapse":
            entity = self.synapse_id or self._synapse_archive()
            _run(["synapse", "get", "--downloadLocation", str(aside), entity])
        else:
            _run(["kaggle", "datasets", "download", "-d", KAGGLE, "-f", ARCHIVE, "-p", str(aside)])
        if not (came := self.archives_in(aside)):
            raise UserError(f"{aside}: {client} downloaded no archive; download it yourself into {self.folder}")
        target = came[0].replace(self.folder / came[0].name)
        shutil.rmtree(aside)
        return target

    def _synapse_archive(self) -> str:
        listing = _run(["synapse", "list", "-r", PROJECT])
        for line in listing.splitlines():
            if hit := ARCHIVE_NAME.search(line):
                return hit["id"]
        raise UserError(
            f"{self}: no archive of the training data among the files of {PROJECT} that your account may see; join the "
            "challenge there, or set synapse_id: to the archive's id"
        )


def _run(command: list[str]) -> str:
    """Runs a client, which reads credentials from the environment; credentials are never arguments."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=None, text=True)  # stderr: the client's progress bar
    if done.returncode:
        said = done.stdout.strip().splitlines()[-1:] or ["see above"]
        raise UserError(f"{' '.join(command[:3])}: failed ({redacted(said[0])}); check the login and the agreement")
    return done.stdout
