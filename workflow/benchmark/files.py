"""Nothing half-written: every file is written aside and renamed when it is whole."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import BinaryIO


@contextmanager
def written(path: str | Path) -> Iterator[Path]:
    """Yields a path beside ``path`` to write to; renames it to ``path`` if the block succeeds, else removes it.

    The name keeps its suffixes (``.nii.gz``), since writers choose the format by them.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


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
