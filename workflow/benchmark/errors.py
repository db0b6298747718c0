"""Errors that a user can fix, and removal of credentials from messages."""

import difflib
import errno
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
# A password may hold "/", "?", "#" or a space that should have been escaped; hence up to the last "@" of a word, too.
_LOGIN = re.compile(r"(?<=://)[^\s/?#'\"<>]*@|(?<=://)[^\s/?#'\"<>@:]*:(?!\d+[/?#])[^\s'\"<>]{0,999}@")
# The name of a secret can be any (token, sig, X-Amz-Signature), so that every value goes; an index's #sha256= stays.
# Fewer than 4 characters, as in ?dl=1, are no secret.
_VALUE = re.compile(r"([?&;#](?!sha256=)[\w.~%\[\]+-]+=)[^\s&;#'\"<>()]{4,}")


def redacted(text: object, addresses: Iterable[str] = ()) -> str:
    """``text`` without credentials: logins and values of queries in each address within the text become ``***``.

    ``addresses``: addresses that the text may mention. Their passwords, and those of proxies in the environment, are
    also removed if a library quotes only a password or escapes it differently.
    """
    import urllib.request  # slow, and most commands name no address

    text = str(text)
    for secret in sorted(_passwords([*addresses, *urllib.request.getproxies().values()]), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _VALUE.sub(rf"\g<1>{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def _passwords(addresses: Iterable[str]) -> set[str]:
    """Passwords in the addresses, unchanged, unescaped and escaped.

    ``_LOGIN`` handles passwords of under 4 characters.
    """
    passwords: set[str] = set()
    for address in addresses:
        login = address.partition("://")[2].rpartition("@")[0]
        try:
            written = urlsplit(address).password or ""
        except ValueError:  # not an address, such as http://[
            written = ""
        raw = "" if re.match(r"[^/?#@]*:\d+[/?#]", login) else login.partition(":")[2]  # a port and a path, no login
        if raw:  # a library that ends the host at a "/" of the password quotes the part before it
            passwords.add(re.split("[/?#]", login)[0])
        for password in (written, raw):
            passwords |= {password, unquote(password), quote(password, safe=""), quote(unquote(password), safe="")}
    return {one for one in passwords if len(one) > 3}


def without_secrets(value: Any) -> Any:
    """A part of the configuration with ``redacted`` texts at every depth, for records."""
    if isinstance(value, Mapping):
        return {key: without_secrets(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_secrets(part) for part in value]
    return redacted(value, [value]) if isinstance(value, str) else value


class RedactingFilter(logging.Filter):
    """For the logs of libraries that print the addresses of downloads."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


def out_of_memory(error: BaseException) -> str | None:
    """``a GPU's memory`` or ``the memory``, if ``error`` of Python, NumPy or PyTorch says that this is full; else None.

    PyTorch's class is known by its name, because PyTorch takes seconds to import.
    """
    said = str(error) if isinstance(error, RuntimeError) else ""
    if type(error).__name__ == "OutOfMemoryError" or "CUDA error: out of memory" in said:
        return "a GPU's memory"
    return "the memory" if isinstance(error, MemoryError) or "DefaultCPUAllocator" in said else None


def disk_full(error: BaseException) -> bool:
    """Whether ``error`` of Python, PyTorch or safetensors says that a disk is full or a quota is used up.

    PyTorch only reports that fewer bytes than expected are in the file.
    """
    known = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    signs = ("No space left on device", "Disk quota exceeded", "inline_container.cc")
    return known or any(sign in str(error) for sign in signs)


LONGEST = 1000
"""Largest number of characters of a message: a message may quote the content of a file, which may have megabytes."""


def one_line(text: object) -> str:
    """``text`` as one line for a terminal: line breaks, control characters and bytes that are not UTF-8 (as in a file's
    name) become escapes such as ``\\n``.
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text))


class UserError(Exception):
    """One clear line: the file, the rule that it breaks, and the advice; of a long message, both ends."""

    def __init__(self, message: object) -> None:
        text = str(message)
        half = LONGEST // 2 - 3
        start, end = one_line(text[:LONGEST]), one_line(text[-half:])
        long = max(len(text), len(start)) > LONGEST
        super().__init__(f"{start[:half]} […] {end[-half:]}" if long else start)


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: a similar known name, or all known names."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(sorted(known))}"


def known(where: str, names: Iterable[str], catalogue: Iterable[str]) -> None:
    """``UserError`` if a name of the config's block ``where`` is not in the ``catalogue``."""
    for name in names:
        if name not in catalogue:
            raise UserError(f"config: {where}: '{name}' is not defined{meant(name, catalogue)}")
