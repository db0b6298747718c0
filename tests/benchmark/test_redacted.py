"""Secrets in each place where a user may put one; no secret is in a message, a log or an output file."""

import hashlib
import io
import logging
import multiprocessing
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.acquire import fetch, pip_index
from benchmark.acquire.fetch import Item, download
from benchmark.acquire.public_weights import fetch_weights
from benchmark.config import load_config
from benchmark.datasets import reader
from benchmark.errors import UserError, redacted
from benchmark.jobs.job import job

CLOSED = "127.0.0.1:9"  # nobody listens there
BODY = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:s3cr3t@host:8/a.tar is gone", "https://***@host:8/a.tar is gone"),
        ("https://s3cr3t@host/a", "https://***@host/a"),  # a token in the place of the name
        ("'http://me:s3/cr?3#t@host/a', twice", "'http://***@host/a', twice"),
        ("url: /a?X-Amz-Signature=s3cr3t&dl=1 (Caused", "url: /a?X-Amz-Signature=***&dl=1 (Caused"),
        ("https://host/a#access_token=s3cr3t", "https://host/a#access_token=***"),
        ("https://host:80/a@b?", "https://host:80/a@b?"),
        ("https://host/x.whl#sha256=12ab", "https://host/x.whl#sha256=12ab"),
        ("sub-01/anat a@b, is it right? n = 3", "sub-01/anat a@b, is it right? n = 3"),
    ],
)
def test_secrets_in_an_address_are_replaced(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_password_outside_an_address_is_replaced() -> None:
    address = "http://me:pr0xy%20pw@host"
    assert redacted("bad login 'pr0xy pw' or pr0xy%20pw", [address]) == "bad login '***' or ***"
    assert (
        redacted("cannot parse http://me:pr0xy pw@host", ["http://me:pr0xy pw@host"]) == "cannot parse http://***@host"
    )


def test_part_of_a_password_read_as_a_port_is_replaced() -> None:
    assert redacted("'me:pr0' is no host", ["http://me:pr0/x@y@host:9"]) == "'***' is no host"


@pytest.fixture
def home_with_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose pip, proxy and netrc hold passwords."""
    monkeypatch.setattr(fetch, "PATIENCE", fetch.Patience(tries=2, wait=0.01, timeout=(1, 1)))
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", f"http://me:s3cr3t%20proxy@{CLOSED}")
    (tmp_path / ".netrc").write_text("machine scans.invalid login me password s3cr3t-netrc\n")
    (tmp_path / ".netrc").chmod(0o600)
    configured = tmp_path / "pip.conf"
    configured.write_text(
        f"[global]\nindex-url = http://me:s3cr3t-index@{CLOSED}/simple\nproxy = http://me:s3cr3t pip@{CLOSED}\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configured))
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "NO_INDEX", "PROXY"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_FIND_LINKS", f"http://me:s3cr3t-links@{CLOSED}/links")
    return tmp_path


def network_functions(folder: Path) -> dict:
    """Each function that uses the network, by name."""
    signed = "http://me:s3cr3t-url@scans.invalid/a.tar?token=s3cr3t-sign"
    data = {"accept_terms": True, "url": signed}
    return {
        "item": lambda: download([Item(signed, folder / "a.tar")]),
        "plain item": lambda: download([Item("http://scans.invalid/a.tar", folder / "b.tar")]),
        "index": lambda: pip_index.fetch_file("thing", "thing.tar.gz", "0" * 64, folder),
        "weights": lambda: fetch_weights("sr", folder / "sr.ckpt", url=signed, sha256=None),
        "dataset": lambda: reader("oasis_trt", folder / "trt", **data).subjects(),
    }


def run(function: str, home: Path) -> None:
    """In a job, as the study runs each script: the job's log and its traceback are searched as well."""
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))  # not those of pytest
    (home / "out").mkdir()
    snakemake = SimpleNamespace(
        rule="fetch",
        wildcards={},
        log=home / "log.txt",
        resources={},
        config={"results": str(home / "out"), "compute": {"jobs_per_gpu": 1}},
    )
    with job(snakemake):
        logging.getLogger().setLevel(logging.INFO)
        try:
            network_functions(home / "out")[function]()
        except UserError as error:  # whose log has no traceback; that of another error quotes all causes
            raise RuntimeError(str(error)) from error


@pytest.mark.parametrize("function", network_functions(Path()))
def test_no_secret_is_in_messages_logs_or_files(
    home_with_secrets: Path, capfd: pytest.CaptureFixture, function: str
) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=run, args=(function, home_with_secrets)
    )  # a job keeps its outputs
    process.start()
    process.join(60)
    assert process.exitcode == 1
    printed, log = capfd.readouterr(), (home_with_secrets / "log.txt").read_text()
    made = [path.read_bytes().decode("latin-1") for path in (home_with_secrets / "out").rglob("*") if path.is_file()]
    assert "ERROR in rule fetch" in printed.err
    assert "Traceback" in log
    assert "***" in printed.err or function == "plain item"
    for text in (printed.out, printed.err, log, *made):
        assert "s3cr3t" not in text


def test_download_is_logged_without_its_signature(server, tmp_path: Path) -> None:
    server.files["/sr?token=s3cr3t-sign"] = BODY
    line = fetch_weights("sr", tmp_path / "sr", url=f"{server.url}/sr?token=s3cr3t-sign", sha256=None)
    assert hashlib.sha256(BODY).hexdigest() in line
    assert "s3cr3t" not in line


def test_pooch_logs_the_index_without_its_password(tmp_path: Path, server) -> None:
    import pooch

    server.files["/thing.tar.gz"] = BODY
    address = server.url.replace("http://", "http://me:s3cr3t-index@") + "/thing.tar.gz"
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    pooch.get_logger().addHandler(handler)
    try:
        pip_index._retrieve(address, tmp_path / "thing.tar.gz", hashlib.sha256(BODY).hexdigest(), {})
    finally:
        pooch.get_logger().removeHandler(handler)
    assert f"***@{server.url.removeprefix('http://')}" in heard.getvalue()
    assert "s3cr3t" not in heard.getvalue()


def test_refused_config_is_quoted_without_its_secrets(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("public_weights: {sr: {url: ['https://me:s3cr3t-url@host/a?token=s3cr3t-sign']}}\n")
    with pytest.raises(UserError, match=r"public_weights\.sr") as caught:
        load_config(overlay)
    assert "s3cr3t" not in str(caught.value)
