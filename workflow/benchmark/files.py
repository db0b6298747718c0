"""Reading and writing of files. Every file is written under a temporary name and renamed when it is complete."""

import base64
import codecs
import hashlib
import io
import json
import math
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from gzip import GzipFile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from benchmark.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from PIL.Image import Image

TEXT = 64 << 20
"""Largest number of bytes of a user's text file; a sheet of a million rows has about 50 MB."""

YAML = 512 << 10
"""Largest number of bytes of a settings file, which takes seconds to read at this length; the study's config has 30
KB."""

YAML_PARTS = 100_000
"""Largest number of values and keys of a settings file with aliases expanded; the study's config has about 2,000."""


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
    """``written`` for several files: either every file gets its name or, if a file is incomplete, no file does.

    Yields the paths to write to, in the order of ``paths``. Raises ``OSError`` if a file cannot be made, or if somebody
    removed a file during the block.
    """
    targets = [Path(path) for path in paths]
    asides: list[Path] = []
    try:
        for path in targets:
            path.parent.mkdir(parents=True, exist_ok=True)
            asides.append(_made_aside(path))
        modes = [stat.S_IMODE(aside.stat().st_mode) for aside in asides]
        yield asides
        # before the first rename, so that a missing file leaves no other files
        for aside, mode in zip(asides, modes, strict=True):
            _give_mode(aside, mode)
        for aside, path in zip(asides, targets, strict=True):
            os.replace(aside, path)
    finally:
        for aside in asides:
            aside.unlink(missing_ok=True)


def _give_mode(path: Path, mode: int) -> None:
    """Some libraries (safetensors) replace the file by a new file that only its owner can read; this sets the mode of
    the umask."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)


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

    ISA-L compresses volumes to the size of zlib's level 1 at eight times the speed; with zlib, compression would take
    most of the time of writing.
    """
    from isal import igzip

    with igzip.IGzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as stream:
        yield stream


def sha256(path: str | Path) -> str:
    """SHA-256 of a regular file, hexadecimal."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: str | Path, what: str = "a file", follow: bool = True) -> io.BufferedReader:
    """A regular file, open for reading bytes.

    A FIFO or a device would block or never end, so it is not opened. ``what``: the expected file, for the message;
    ``follow``: whether ``path`` may be a symbolic link. ``UserError`` with the file's name: missing, not a regular
    file, or not readable.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give {what}") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be opened ({getattr(error, 'strerror', None) or error})") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise UserError(f"{path}: {'a folder' if stat.S_ISDIR(mode) else 'not a regular file'}; give {what}")
    return os.fdopen(descriptor, "rb")


def text_of(path: str | Path, what: str = "a text file", limit: int = TEXT) -> str:
    """The text in a file that a user may have written: UTF-8, with a byte order mark or not, or UTF-16 with one.

    ``what``: the expected file, for the message. ``UserError`` with the file's name: not readable, longer than
    ``limit`` bytes, with a NUL, or in another encoding.
    """
    try:
        with opened(path, what) as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise UserError(f"{path}: longer than {limit >> 10} KB; give {what}")
        text = raw.decode("utf-16" if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: its text is not {error.encoding.upper()} (byte {error.start}); save it as UTF-8"
        ) from error
    if "\0" in text:
        raise UserError(f"{path}: holds a NUL, which is not allowed in text; give {what}")
    return text


def json_of(path: str | Path) -> Any:
    """The content of a JSON file. ``UserError`` with the file's name: not readable, or not JSON."""
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as error:  # also a number of thousands of digits
        raise UserError(f"{path}: not JSON ({error})") from error


def whole(text: str) -> int | None:
    """The number in ASCII digits, below 10^18; None for other text, such as ``²``, -1 or an empty text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def yaml_of(path: str | Path, texts: bool = False) -> Any:
    """The content of a user's YAML file; ``texts``: every value except null stays text, also ``0123``.

    ``UserError`` with the file's name and the line: not YAML or longer than ``YAML`` bytes, a key that is not text or
    is twice in one block, or aliases for more than ``YAML_PARTS`` parts.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
            node = super().compose_mapping_node(anchor)
            seen: dict[tuple[str, str], int] = {}
            for key, _ in node.value:
                line = key.start_mark.line + 1
                text = key.tag in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")
                if not (text and isinstance(key, yaml.ScalarNode)):  # YAML reads no, on and 1 as other types
                    raise UserError(f"{path}: line {line}: a key is not text; put it in quotes")
                if before := seen.get((key.tag, key.value)):
                    raise UserError(f"{path}: line {line}: '{key.value}' is in line {before} already; remove one")
                seen[key.tag, key.value] = line
            return node

    if texts:
        null = "tag:yaml.org,2002:null"
        Loader.yaml_implicit_resolvers = {
            letter: [rule for rule in rules if rule[0] == null]
            for letter, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }
    try:
        loader = Loader(text_of(path, "a YAML file", YAML))
        node = loader.get_single_node()
        if node is None:
            return None
        if _parts(node, {}) > YAML_PARTS:
            raise UserError(f"{path}: its aliases stand for more than {YAML_PARTS:,} parts; write them out")
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise UserError(f"{path}: {where}not YAML ({problem or str(error).splitlines()[0]})") from error
    except (ValueError, RecursionError) as error:  # an invalid date, deeply nested lists
        raise UserError(f"{path}: cannot be read as YAML ({error})") from error


def _parts(node: Any, known: dict[int, float]) -> float:
    """Number of parts of a YAML node with every alias expanded; infinite for a node that holds itself."""
    if id(node) not in known:
        known[id(node)] = math.inf
        inside = node.value if isinstance(node.value, list) else ()
        pieces = (part for one in inside for part in (one if isinstance(one, tuple) else (one,)))
        known[id(node)] = 1 + sum(_parts(part, known) for part in pieces)
    return known[id(node)]


def stamp(path: str | Path) -> tuple[int, ...]:
    """Identifies the content of a file without reading it: inode, size and time of the last change.

    For a folder, of all its files together.
    """
    path = Path(path)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    about = (os.stat(one) for one in files)
    return tuple(number for one in about for number in (one.st_ino, one.st_size, one.st_mtime_ns))


@contextmanager
def reading_result(path: str | Path) -> Iterator[None]:
    """Turns any error in reading a file of the study into one line (``UserError``) that says how to make it again.

    A power failure or a full disk can leave a damaged file, and Snakemake does not look into folders (restored volumes,
    gaps).
    """
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        said = (str(error) or type(error).__name__).splitlines()[0][:160]
        raise UserError(
            f"{path}: missing or damaged ({said}); delete it (for a volume in restored or gaps, its folder), and start "
            "again: Snakemake makes it again"
        ) from error


def subject_of(path: str | Path) -> str:
    """The subject of a volume of the study (``{subject}.nii.gz``)."""
    return Path(path).name.removesuffix(".nii.gz")


NAMES = ("cohort", "subject", "method", "label", "first", "second", "sampler", "eta", "noise")
"""Columns of the project's tables that hold names, which are text even if they look like numbers or like a blank."""


def write_csv(path: str | Path, table: "pd.DataFrame", digits: str = "%.6f") -> None:
    """A table as CSV, without its index; ``digits``: of every number that is not an integer."""
    with written(path) as aside:
        table.to_csv(aside, index=False, float_format=digits, lineterminator="\n")


def read_csv(path: str | Path, separator: str = ",") -> "pd.DataFrame":
    """A table of ``write_csv``. ``NAMES`` are text: a subject 007 or NA, a cohort 2024. Only an empty cell is NaN.

    ``UserError``: as ``reading_result``.
    """
    import pandas as pd

    with reading_result(path):
        names = dict.fromkeys(NAMES, str)
        table = pd.read_csv(path, sep=separator, dtype=names, keep_default_na=False, na_values=[""])
        if any("\0" in column for column in table.columns):  # a power failure can leave a file of zeros
            raise ValueError("it holds a NUL")
        return table


def png_uri(image: "Image") -> str:
    """A picture as a data address of a PNG, without metadata, for self-contained pages."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
