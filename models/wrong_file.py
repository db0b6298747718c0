"""Recognises files that a download leaves instead of the wanted file, so that the message names the real problem."""

from pathlib import Path

_BEGINNINGS = {
    (b"version https://git-lfs",): "a git-lfs pointer, not the file itself; download the file (git lfs pull)",
    (b"<!doctype", b"<html", b"<?xml"): "a web page, not the file itself; download the file",
}


def wrong_file(path: str | Path) -> str | None:
    """A description with advice, if ``path`` holds a git-lfs pointer or a web page; None for other files."""
    if not Path(path).is_file():
        return None
    try:
        with open(path, "rb") as file:
            begins = file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    except OSError:  # what it is about is said by those who read it
        return None
    return next((said for words, said in _BEGINNINGS.items() if begins.startswith(words)), None)


def refuse_wrong_file(path: str | Path) -> None:
    """``ValueError``, one line with the file's name, if ``path`` is not a regular file (opening a FIFO would block) or
    ``wrong_file`` recognises it.
    """
    if not Path(path).is_file():
        raise ValueError(f"{path}: {'not a regular file' if Path(path).exists() else 'no such file'}; give weights")
    if said := wrong_file(path):
        raise ValueError(f"{path}: {said}")
