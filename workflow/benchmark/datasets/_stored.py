"""What the readers share whose scans lie in a folder tree or in archives of one: the tree's names say who is who."""

import os
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock

from benchmark.acquire.archives import Archive
from benchmark.datasets import Reader
from benchmark.errors import UserError


class StoredReader(Reader):
    """Scans under ``local`` (a folder, used in place, or archives) or in archives that are fetched.

    A subclass says which names matter (``choose``), which files make up which subject (``group``), what an archive
    is called and may hold, and where it comes from (``archives``).
    """

    #: Globs of the names that this dataset's archives have.
    archive_names: tuple[str, ...]
    #: Bytes that one archive may unpack to: what the dataset can be, and a margin.
    limit: int
    #: For messages: the files that are looked for.
    layout: str

    @abstractmethod
    def choose(self, name: str) -> bool:
        """Whether the path ``name`` (posix, within folder or archive) is a file this dataset may need."""

    @abstractmethod
    def group(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Subject → its files, the image first. Subjects whose files are not complete are left out."""

    @abstractmethod
    def archives(self) -> list[Archive]:
        """What to read where there is no ``local``; nothing is fetched yet. Raises ``UserError`` with ``missing()``."""

    def open_local(self, path: Path) -> Archive:
        """An archive of the user's."""
        return Archive(path, self.limit)

    def lack(self, remedy: str) -> str:
        """The one message for what the user has to do first."""
        return (
            f"{self}: not here yet: {remedy}; or put the archive into {self.folder}; or set local: to a folder or "
            f"archive of yours with {self.layout}"
        )

    def subjects(self) -> list[str]:
        found = sorted(self._tree() or self._listed())
        if not found:
            where = self.folder if self.local is None else self.local
            raise UserError(f"{where}: no {self.layout} in it; is this {self}?")
        return found

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
            images[subject] = self.files / names[0]
            lacking[archive] |= {name: self.files / name for name in names if not (self.files / name).exists()}
        with self._lock():  # several cohorts may take from one archive at once
            for archive, members in lacking.items():
                archive.extract(members)
        return images

    @property
    def files(self) -> Path:
        """Where members of archives land, under the names that they have there."""
        return self.folder / "files"

    def _wanted(self, name: str) -> bool:
        """``choose``, but for names that begin with a dot: ``._x.nii.gz`` are a Mac's notes on x."""
        return not name.rpartition("/")[2].startswith(".") and self.choose(name)

    def _lock(self) -> FileLock:
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".lock")

    def _tree(self) -> dict[str, list[Path]]:
        """Subject → files, where ``local`` is a folder with the files themselves."""
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
        """Subject → archive and the names of the subject's members in it."""
        found: dict[str, tuple[Archive, list[str]]] = {}
        with self._lock():
            for archive in self._sources():
                members, news = archive.listing(self._wanted, self.folder / f"{archive.path.name}.members.json")
                if news:  # what an archive of that name had in it before is not to be taken for this one's
                    for name in members:
                        (self.files / name).unlink(missing_ok=True)
                for subject, names in self.group(members).items():
                    found.setdefault(subject, (archive, names))
        return found

    def _sources(self) -> list[Archive]:
        if self.local is None:
            return self.archives()
        if self.local.is_file():
            return [self.open_local(self.local)]
        if not (paths := self.archives_in(self.local)):
            raise UserError(f"{self.local}: no {self.layout} and no {' or '.join(self.archive_names)} in it")
        return [self.open_local(path) for path in paths]

    def archives_in(self, folder: Path) -> list[Path]:
        """Archives of this dataset in ``folder``, by name; not those half fetched or set aside, nor a Mac's notes."""
        paths = {path for names in self.archive_names for path in folder.glob(names) if not path.name.startswith(".")}
        return sorted(path for path in paths if path.is_file() and path.suffix in (".tar", ".gz", ".tgz", ".zip"))


def _walk(root: Path) -> Iterator[Path]:
    """Every file below ``root``. Links are followed, as sites link their datasets together, but in no circle."""
    seen: set[str] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder) / file for file in files)
