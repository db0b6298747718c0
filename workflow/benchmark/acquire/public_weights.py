"""Public weights from which trainings start (`public_weights` in the config), downloaded once and checked."""

from pathlib import Path

from benchmark.acquire.fetch import Item, download
from benchmark.errors import UserError, redacted
from benchmark.files import sha256 as hash_of


def fetch_weights(name: str, target: Path, *, url: str, sha256: str | None) -> str:
    """Downloads ``target`` from ``url`` and checks its hash.

    Returns a line about the file for the log. Raises ``UserError``, one line with advice, if the download fails or the
    file differs.
    """
    try:
        download([Item(url, target, sha256)], title=f"public weights {name}")
    except UserError as error:
        raise UserError(
            f"public weights {name}: {error}. Or download the file elsewhere and set its path as "
            f"public_weights.{name}.local, or train without: recipe: scratch"
        ) from error
    known = "as expected" if sha256 else "recorded; the expected value is not known"
    return f"{target} from {redacted(url, [url])}, SHA-256 {sha256 or hash_of(target)} ({known})"
