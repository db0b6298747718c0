"""Common part of readers with scans in a folder tree or in archives of a tree, whose names identify the subjects."""

import hashlib
import logging
import os
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmark.acquire.archives import Archive
from benchmark.acquire.turns import turn
from benchmark.datasets import Reader
from benchmark.errors import UserError

log = logging.getLogger(__name__)


class StoredReader(Reader):
    """Scans under ``local`` (a folder, used in place, or archives) or in downloaded archives.

    A subclass defines the relevant names (``choose``), the files of each subject (``group``), the names and size limits
    of archives, and their source (``archives``).
    """

    #: Globs of the names of this dataset's archives.
    archive_names: tuple[str, ...]
    #: Bytes that one archive may unpack to: the size of the dataset and a margin.
    limit: int
    #: The expected files, for messages.
    layout: str

    @abstractmethod
    def choose(self, name: str) -> bool:
        """Whether the path ``name`` (posix, within folder or archive) is a file that this dataset may need."""

    @abstractmethod
    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Subject → its files, the image first. Subjects with missing files are left out."""

    @abstractmethod
    def archives(self) -> list[Archive]:
        """The archives to read without ``local``, before any download. Raises ``UserError`` with ``missing()``."""

    def open_local(self, path: Path) -> Archive:
        """A user's archive."""
        return Archive(path, self.limit)

    def lack(self, remedy: str) -> str:
        """The message about what the user must do first."""
        return (
            f"{self}: not here yet: {remedy}; or put the archive into {self.folder}; or set local: to a folder or "
            f"archive of yours with {self.layout} (settings of the cohort in the config)"
        )

    def subjects(self) -> list[str]:
        names = sorted(self._tree() or self._listed())
        if not names:
            where = self.folder if self.local is None else self.local
            raise UserError(f"{where}: no {self.layout} in it; is this {self}?")
        return names

    def fetch(self, subjects: Sequence[str]) -> dict[str, Path]:
        if tree := self._tree():
            self.known(subjects, tree)
            return {subject: tree[subject][0] for subject in subjects}
        listed = self._listed()
        self.known(subjects, listed)
        images: dict[str, Path] = {}
        lacking: dict[Archive, dict[str, Path]] = defaultdict(dict)
        for subject in subjects:
            archive, names = listed[subject]
            files = self._files(archive)
            images[subject] = files / names[0]
            lacking[archive] |= {name: files / name for name in names if not (files / name).exists()}
        with self._lock():  # several cohorts may read one archive at the same time
            for archive, members in lacking.items():
                archive.extract(members)
        return images

    def _files(self, archive: Archive) -> Path:
        """The folder for members of the archive, under their names in the archive.

        Archives in a folder of the user have a separate folder: several studies and users may share the downloads, and
        archives of one name in two places may hold different scans.
        """
        return self.folder / f"files{self._mark(archive)}"

    def _mark(self, archive: Archive) -> str:
        home = archive.path.resolve().parent
        return "" if home == self.folder.resolve() else f"-{hashlib.sha256(os.fsencode(home)).hexdigest()[:8]}"

    def _wanted(self, name: str) -> bool:
        """``choose``, but not for names that begin with a dot: a Mac adds files ``._x.nii.gz``."""
        return not name.rpartition("/")[2].startswith(".") and self.choose(name)

    def _lock(self) -> AbstractContextManager[None]:
        return turn(self.folder / ".lock")

    def _tree(self) -> dict[str, list[Path]]:
        """Subject → files, if ``local`` is a folder with the files."""
        if self.local is None or not self.local.is_dir():
            return {}
        root = self.local.resolve()
        names = (path.relative_to(root.parent).as_posix() for path in _walk(root))
        grouped = self.group(name for name in names if self._wanted(name))
        return {
            subject: [self.local / Path(name).relative_to(root.name) for name in files]
            for subject, files in grouped.items()
        }

    def _listed(self) -> dict[str, tuple[Archive, list[str]]]:
        """Subject → archive, and the names of the subject's members in the archive."""
        subjects: dict[str, tuple[Archive, list[str]]] = {}
        with self._lock():
            for archive in self._sources():
                cache = self.folder / f"{archive.path.name}{self._mark(archive)}.members.json"
                members, news = archive.listing(self._wanted, cache)
                if news:  # do not use members of an earlier archive of the same name
                    for name in members:
                        (self._files(archive) / name).unlink(missing_ok=True)
                for subject, names in self.group(members).items():
                    subjects.setdefault(subject, (archive, names))
        return subjects

    def _sources(self) -> list[Archive]:
        if self.local is None:
            return self.archives()
        if self.local.is_file():
            return [self.open_local(self.local)]
        if not (paths := self.archives_in(self.local)):
            raise UserError(f"{self.local}: no {self.layout} and no {' or '.join(self.archive_names)} in it")
        return [self.open_local(path) for path in paths]

    def archives_in(self, folder: Path) -> list[Path]:
        """Archives of this dataset in ``folder``, by name; not partial or damaged downloads, nor the files that a Mac
        adds."""
        paths = {path for names in self.archive_names for path in folder.glob(names) if not path.name.startswith(".")}
        return sorted(path for path in paths if path.is_file() and path.suffix in (".tar", ".gz", ".tgz", ".zip"))


def _walk(root: Path) -> Iterator[Path]:
    """Every file below ``root``.

    Links are followed, because sites link their datasets together, but circles are not. A folder that cannot be read
    is named in a warning: its subjects are left out.
    """

    def unreadable(error: OSError) -> None:
        log.warning("%s: cannot be read (%s), so no scan in it is used", error.filename, error.strerror)

    seen: set[str] = set()
    for folder, folders, files in os.walk(root, onerror=unreadable, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder) / file for file in files)
