"""What a download leaves in the place of a file: it is called by its name, so that nobody looks for a damaged file."""

from pathlib import Path

_BEGINNINGS = {
    (b"version https://git-lfs",): "a git-lfs pointer, not the file itself; fetch the file (git lfs pull)",
    (b"<!doctype", b"<html", b"<?xml"): "a web page, not the file itself; download the file",
}


def wrong_file(path: str | Path) -> str | None:
    """What ``path`` is and what to do, if it holds a git-lfs pointer or a web page; None for anything else."""
    if not Path(path).is_file():
        return None
    with open(path, "rb") as file:
        begins = file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((said for words, said in _BEGINNINGS.items() if begins.startswith(words)), None)


def refuse_wrong_file(path: str | Path) -> None:
    """``ValueError``, one line that names the file, where ``path`` is no regular file (opening a FIFO does not end) or
    ``wrong_file`` finds something.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: {'no regular file' if Path(path).exists() else 'no such file'}; give weights")
    if said := wrong_file(path):
        raise ValueError(f"{path}: {said}")
