"""Reads output of ``openssl enc -aes-256-cbc`` as a stream, in this process.

The ``openssl`` program could do this too, but it must be installed, and it would pass the password through another
process. Here the password never leaves this process. Format: ``Salted__``, 8 bytes of salt, AES-256 in CBC mode with
PKCS#7 padding; key and IV from EVP_BytesToKey (one round) over MD5 (openssl before 1.1) or SHA-256; with ``-a``
everything in base64.
"""

import binascii
import hashlib
import io
from pathlib import Path
from typing import BinaryIO, cast

from benchmark.errors import UserError

MAGIC = b"Salted__"
DIGESTS = ("sha256", "md5")
BLOCK = 1 << 20


class Damaged(OSError):
    """The container is incomplete (like ``gzip.BadGzipFile`` for a gzip file)."""


def is_encrypted(path: Path) -> bool:
    """Whether the file is such a container, in base64 or not."""
    with open(path, "rb") as file:
        head = file.read(16)
    return head.startswith((MAGIC, binascii.b2a_base64(MAGIC + b"\0")[:10]))


def key_and_iv(password: bytes, salt: bytes, digest: str) -> tuple[bytes, bytes]:
    """EVP_BytesToKey with one round: 32 bytes of key, 16 of initialisation vector."""
    made = last = b""
    while len(made) < 48:
        last = hashlib.new(digest, last + password + salt, usedforsecurity=False).digest()
        made += last
    return made[:32], made[32:48]


def open_encrypted(path: Path, password: str) -> BinaryIO:
    """A stream of the plain bytes, a compressed or bare tar. The digest is determined by trying both.

    Raises ``UserError`` for a wrong password and, while reading, ``Damaged`` for a truncated or changed container.
    """
    secret = password.encode()
    for digest in DIGESTS:
        stream = io.BufferedReader(_Plain(path, secret, digest), BLOCK)
        if _looks_right(stream.peek(512)):
            return cast(BinaryIO, stream)
        stream.close()
    raise UserError(f"{path}: the password is wrong; check the variable that holds it")


def _looks_right(head: bytes) -> bool:
    """The beginning of a gzip or tar file."""
    return head.startswith(b"\x1f\x8b\x08") or head[257:262] == b"ustar"


class _Plain(io.RawIOBase):
    def __init__(self, path: Path, password: bytes, digest: str) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 -- closed by close()
        self._base64 = not self._file.read(8).startswith(MAGIC)
        self._file.seek(0)
        self._text = b""
        self._raw = b""
        while len(self._raw) < 16:
            if not (more := self._pull()):
                raise Damaged("the encrypted file is cut short")
            self._raw += more
        if not self._raw.startswith(MAGIC):
            raise UserError(f"{path}: not a file that openssl encrypted; give the archive as it was downloaded")
        key, vector = key_and_iv(password, self._raw[8:16], digest)
        self._raw = self._raw[16:]
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
        self._ready = b""  # plain bytes without the last 16, which may be padding
        self._done = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def _pull(self) -> bytes:
        """The next encrypted bytes, decoded from base64; empty at the end."""
        while block := self._file.read(BLOCK):
            if not self._base64:
                return block
            self._text += block.translate(None, b"\r\n \t")
            whole = len(self._text) // 4 * 4
            text, self._text = self._text[:whole], self._text[whole:]
            try:
                if made := binascii.a2b_base64(text, strict_mode=True):
                    return made
            except binascii.Error as error:
                raise Damaged(f"the encrypted file is not base64: {error}") from error
        return b""

    def _fill(self) -> None:
        """Decrypts more bytes, or reaches the end and removes the padding."""
        while not self._done and len(self._ready) <= 16:
            if len(self._raw) < 16 and (more := self._pull()):
                self._raw += more
            elif whole := len(self._raw) // 16 * 16:
                self._ready += self._cipher.update(self._raw[:whole])
                self._raw = self._raw[whole:]
            else:
                self._done = True
                pad = self._ready[-1] if self._ready else 0
                if self._raw or self._text or not 1 <= pad <= 16 or self._ready[-pad:] != bytes([pad]) * pad:
                    raise Damaged("the encrypted file is cut short or changed")
                self._ready = self._ready[:-pad]

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        self._fill()
        spare = 0 if self._done else 16
        count = min(len(buffer), len(self._ready) - spare)
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
