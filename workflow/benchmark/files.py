"""Nothing half-written: every file is written aside and renamed when it is whole."""

import base64
import codecs
import hashlib
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from benchmark.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """Yields an empty file next to ``path`` to write to; renames the file to ``path`` if the block succeeds.

    The name keeps the suffixes of ``path`` (``.nii.gz``), since writers choose the format by the suffixes. If the block
    fails, the file is removed and ``path`` stays as ``path`` was.
    """
    with written_together([path]) as (aside,):
        yield aside


@contextmanager
def written_together(paths: Sequence[str | Path]) -> Iterator[list[Path]]:
    """``written`` for several files: either every file gets its name or, where a file is not whole, none does.

    Yields the paths to write to, in the order of ``paths``. Raises ``OSError`` if a file cannot be made, or if somebody
    removed a file during the block.
    """
    wanted = [Path(path) for path in paths]
    asides: list[Path] = []
    try:
        for path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            asides.append(_made_aside(path))
        yield asides
        for aside in asides:
            aside.lstat()  # before the first rename, so that a missing file leaves no others behind
        for aside, path in zip(asides, wanted, strict=True):
            os.replace(aside, path)
    finally:
        for aside in asides:
            aside.unlink(missing_ok=True)


def _made_aside(path: Path) -> Path:
    """A new, empty file next to ``path`` under a random name.

    A process id is known in advance, and two containers may share one. A random name with exclusive creation meets
    neither a link that somebody else placed nor the file of another run. The umask decides the mode.
    """
    while True:
        aside = path.with_name(f".{secrets.token_hex(4)}.{path.name}")
        try:
            os.close(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            continue
        return aside


@contextmanager
def packed(raw: BinaryIO) -> Iterator[GzipFile]:
    """Writes gzip into the open file ``raw``, the same bytes every time (no name, no date).

    ISA-L packs volumes to the size of zlib's level 1 at eight times its speed, where zlib would cost most of a
    volume's way to the disk.
    """
    from isal import igzip

    with igzip.IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as stream:
        yield stream


def sha256(path: str | Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_of(path: str | Path) -> str:
    """The text in a file that a user may have written: UTF-8, with a byte order mark or not, or UTF-16 with one.

    ``UserError`` naming the file: it cannot be read, or its text is in another encoding.
    """
    try:
        raw = Path(path).read_bytes()
        return raw.decode("utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: its text is not UTF-8 (byte {error.start}); save it as UTF-8") from error


def stamp(path: str | Path) -> tuple[int, ...]:
    """What tells one content of a file from another without reading it: inode, size and time of the last change.

    Of a folder, all of its files together.
    """
    path = Path(path)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    about = (os.stat(one) for one in files)
    return tuple(number for one in about for number in (one.st_ino, one.st_size, one.st_mtime_ns))


def subject_of(path: str | Path) -> str:
    """The subject that a volume of the study (``{subject}.nii.gz``) is of."""
    return Path(path).name.removesuffix(".nii.gz")


def write_csv(path: str | Path, table: "pd.DataFrame", digits: str = "%.6f") -> None:
    """A table as CSV, without its index; ``digits``: of every number that is not an integer."""
    with written(path) as aside:
        table.to_csv(aside, index=False, float_format=digits, lineterminator="\n")


def png_uri(image: "Image") -> str:
    """A picture as a data address of a PNG: pixels and nothing else, for pages that stand alone."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
