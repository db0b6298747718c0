"""Weights of others that trainings start from (`public_weights` in the config), fetched once and checked."""

from pathlib import Path

from benchmark.acquire.fetch import Item, download
from benchmark.errors import UserError, redacted
from benchmark.files import sha256 as hash_of


def fetch_weights(name: str, target: Path, *, url: str, sha256: str | None) -> str:
    """Makes ``target`` present: one file from ``url`` with that hash. Returns a line about it for the log.

    Raises ``UserError``, one line that says what to do, when it cannot be had or is another file.
    """
    try:
        download([Item(url, target, sha256)], title=f"public weights {name}")
    except UserError as error:
        raise UserError(
            f"public weights {name}: {error}. Or fetch the file elsewhere and name its path as "
            f"public_weights.{name}.local, or train without: recipe: scratch"
        ) from error
    known = "as it should be" if sha256 else "recorded; its right value is not known"
    return f"{target} from {redacted(url, [url])}, SHA-256 {sha256 or hash_of(target)} ({known})"
