"""The encrypted container, compared with the real openssl program if it is installed."""

import gzip
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmark.acquire.openssl import Damaged, is_encrypted, open_encrypted
from benchmark.datasets.layouts import encrypt
from benchmark.errors import UserError

PLAIN = gzip.compress(np.random.default_rng(0).bytes(2_500_000), mtime=0)


@pytest.mark.parametrize("digest", ["md5", "sha256"])
@pytest.mark.parametrize("armour", ["-a", ""])
@pytest.mark.parametrize("cut", [0, 1, 15, 16])
def test_container_written_by_openssl_is_read(tmp_path: Path, digest: str, armour: str, cut: int) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program here to compare with")
    plain = PLAIN[: len(PLAIN) - cut]
    command = f"openssl enc -aes-256-cbc {armour} -md {digest} -pass env:WORD -out {tmp_path}/box"
    subprocess.run(command.split(), input=plain, env={"WORD": "pässword"}, check=True, capture_output=True)
    assert is_encrypted(tmp_path / "box")
    with open_encrypted(tmp_path / "box", "pässword") as stream:
        assert stream.read() == plain


@pytest.mark.parametrize("digest", ["md5", "sha256"])
def test_container_written_by_the_layouts_is_read_by_openssl(tmp_path: Path, digest: str) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl program here to compare with")
    (tmp_path / "box").write_bytes(encrypt(PLAIN, "word", digest))
    command = f"openssl enc -d -aes-256-cbc -a -md {digest} -pass env:WORD -in {tmp_path}/box"
    done = subprocess.run(command.split(), env={"WORD": "word"}, check=True, capture_output=True)
    assert done.stdout == PLAIN


def test_container_is_read_in_pieces_of_any_size(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(encrypt(PLAIN, "word", "sha256"))
    with open_encrypted(tmp_path / "box", "word") as stream:
        pieces = [stream.read(n) for n in (1, 15, 17, 100_001)]
        assert b"".join(pieces) + stream.read() == PLAIN


def test_wrong_password_is_refused_without_printing_it(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(encrypt(PLAIN, "right", "md5"))
    with pytest.raises(UserError, match="box: the password is wrong") as error:
        open_encrypted(tmp_path / "box", "hush-hush")
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_truncated_container_is_refused(tmp_path: Path, keep: float) -> None:
    whole = encrypt(PLAIN, "word", "sha256")
    (tmp_path / "box").write_bytes(whole[: int(len(whole) * keep)])
    with open_encrypted(tmp_path / "box", "word") as stream, pytest.raises(Damaged, match="cut short"):
        stream.read()


def test_file_that_is_no_container_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(PLAIN)
    assert not is_encrypted(tmp_path / "plain")
    with pytest.raises((UserError, Damaged), match=r"not base64|not a file that openssl encrypted"):
        open_encrypted(tmp_path / "plain", "word")
    (tmp_path / "text").write_bytes(b"U2FtZSBvbGQgc3Rvcnku" * 10)
    with pytest.raises(UserError, match="text: not a file that openssl encrypted"):
        open_encrypted(tmp_path / "text", "word")
    (tmp_path / "empty").write_bytes(b"")
    assert not is_encrypted(tmp_path / "empty")
