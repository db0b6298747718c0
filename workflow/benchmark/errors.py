"""Errors that a user can fix, and removal of credentials from messages."""

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

    ``addresses``: those the text may be about. Their passwords, and those of the proxies in the environment, are also
    removed where a library quotes a password by itself or in another escaping.
    """
    import urllib.request  # slow, and most commands name no address

    text = str(text)
    for secret in sorted(_passwords([*addresses, *urllib.request.getproxies().values()]), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return _VALUE.sub(rf"\g<1>{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def _passwords(addresses: Iterable[str]) -> set[str]:
    """Passwords in the addresses, as given, unescaped and escaped. Shorter than 4 characters: left to ``_LOGIN``."""
    found: set[str] = set()
    for address in addresses:
        login = address.partition("://")[2].rpartition("@")[0]
        try:
            written = urlsplit(address).password or ""
        except ValueError:  # no address at all, such as http://[
            written = ""
        raw = "" if re.match(r"[^/?#@]*:\d+[/?#]", login) else login.partition(":")[2]  # a port and a path, no login
        if raw:  # a library that ends the host at a "/" of the password quotes what is before
            found.add(re.split("[/?#]", login)[0])
        for password in (written, raw):
            found |= {password, unquote(password), quote(password, safe=""), quote(unquote(password), safe="")}
    return {one for one in found if len(one) > 3}


def without_secrets(value: Any) -> Any:
    """A piece of configuration with ``redacted`` texts at every depth: for what is recorded of it and never used."""
    if isinstance(value, Mapping):
        return {key: without_secrets(part) for key, part in value.items()}
    if isinstance(value, list):
        return [without_secrets(part) for part in value]
    return redacted(value, [value]) if isinstance(value, str) else value


class RedactingFilter(logging.Filter):
    """For the logs of libraries that print the addresses they fetch from."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


LONGEST = 1000
"""Characters of a message: what a file holds, a value of a hundred megabytes say, may be part of a message."""


def one_line(text: object) -> str:
    """``text`` as a terminal can show it in one line: line breaks, control characters and bytes that are no UTF-8 (of
    a file's name, say) become escapes such as ``\\n``.
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in str(text))


class UserError(Exception):
    """One clear line: the file, the rule it breaks and what to do; of a long one, both ends."""

    def __init__(self, message: object) -> None:
        text = str(message)
        half = LONGEST // 2 - 3
        start, end = one_line(text[:LONGEST]), one_line(text[-half:])
        long = max(len(text), len(start)) > LONGEST
        super().__init__(f"{start[:half]} […] {end[-half:]}" if long else start)
