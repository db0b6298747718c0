"""The blinded survey of section 3.5.5: a self-contained form, its key, and the returned answers."""

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.errors import UserError
from benchmark.files import png_uri, text_of, written
from benchmark.seeds import generator

QUESTIONS = {
    "Q1": "Q1. Realistic image appearance: do the images resemble real MRI scans?",
    "Q2": "Q2. Consistency between slices: do consecutive slices go together?",
    "Q3": "Q3. Anatomic correctness: are the anatomical structures preserved realistically?",
}
LEVELS = ("Very Bad", "Bad", "Good", "Very Good")
COLUMNS = ["kit", "rater", "sequence", "question", "level", "check"]
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without letters and digits that look alike
_FORM = Path(__file__).with_name("form.html")


def codes(methods: Sequence[str], seed: int) -> dict[str, str]:
    """A random code of four signs for each method, drawn with ``seed``; sorted by code, so the order reveals
    nothing."""
    draw = generator(seed, "survey codes", *methods)
    drawn: dict[str, str] = {}
    for method in methods:
        code = ""
        while not code or code in drawn:
            code = "".join(draw.choice(list(_LETTERS), 4))
        drawn[code] = method
    return {code: drawn[code] for code in sorted(drawn)}


def pictures(sequences: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """The pictures of the form by code, as data addresses, from new slices (n, H, W) in [0, 1]: all in one frame and
    grey scale."""
    from benchmark.print.style import content, white

    rows, columns = content(list(sequences.values()))
    high = white(np.concatenate(list(sequences.values())))
    return {code: [_picture(one[rows, columns] / high) for one in slices] for code, slices in sorted(sequences.items())}


def form(shown: Mapping[str, Sequence[str]]) -> str:
    """The HTML form for ``pictures``."""
    n = len(next(iter(shown.values())))
    text = _FORM.read_text(encoding="utf-8")
    for mark, value in {
        "__COUNT__": str(len(shown)),
        "__SLICES__": str(n),
        "__KIT__": kit_name(shown),
        "__SEQUENCES__": json.dumps(shown),
        "__QUESTIONS__": json.dumps(QUESTIONS),
        "__LEVELS__": json.dumps(LEVELS),
    }.items():
        text = text.replace(mark, value)
    return text


def kit_name(shown: Mapping[str, Sequence[str]]) -> str:
    """A name that links answers to the ``pictures`` that they are about: other pictures have another name."""
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:8]


def _picture(image: np.ndarray) -> str:
    """A grey 8-bit PNG as a data address."""
    from PIL import Image

    return png_uri(Image.fromarray(np.round(image.clip(0, 1) * 255).astype(np.uint8)))


def write_key(path: str | Path, key: Mapping[str, str], kit: str) -> None:
    """The key: kit, sequence (code), method. Only the organiser of the survey has it."""
    with written(path) as aside, open(aside, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["kit", "sequence", "method"])
        writer.writerows([kit, code, method] for code, method in key.items())


def read_key(path: str | Path) -> tuple[str, dict[str, str]]:
    """The kit's name and the method of each code. ``UserError`` naming the file: it is not a key as it was written."""
    rows = _cells(path)
    if rows is None or list(rows.columns) != ["kit", "sequence", "method"] or rows.empty or rows["kit"].nunique() != 1:
        raise UserError(f"{path}: not the key of a survey; put back the one that was written with the kit")
    return rows["kit"].iloc[0], dict(zip(rows["sequence"], rows["method"], strict=True))


def _cells(path: str | Path) -> pd.DataFrame | None:
    """A CSV as text, each cell as it is written; None where it is no CSV. ``UserError``: it cannot be read as text."""
    try:
        return pd.read_csv(io.StringIO(text_of(path, "a CSV file")), dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError):
        return None


def checksum(kit: str, rater: str, rows: Sequence[Sequence[str]]) -> str:
    """The checksum as the form computes it: it detects accidental changes, not forgery."""
    return _hash("|".join([kit, rater, *(":".join(row) for row in rows)]))


def _hash(text: str) -> str:
    """FNV-1a, 32 bits, over UTF-8."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % 2**32
    return f"{value:08x}"


def order(codes: Sequence[str], kit: str, rater: str) -> list[str]:
    """The order in which the form shows its sequences to a rater; it depends on the kit and the rater's name.

    A Fisher–Yates shuffle with the generator Mulberry32, seeded with the checksum of both.
    """
    drawn, state = sorted(codes), int(_hash(f"{kit}|{rater.lower()}"), 16)
    for last in range(len(drawn) - 1, 0, -1):
        state = (state + 0x6D2B79F5) % 2**32
        mixed = (state ^ (state >> 15)) * (state | 1) % 2**32
        mixed ^= (mixed + (mixed ^ (mixed >> 7)) * (mixed | 61)) % 2**32
        other = (mixed ^ (mixed >> 14)) % (last + 1)
        drawn[last], drawn[other] = drawn[other], drawn[last]
    return drawn


def read_answers(paths: Sequence[str | Path], key_path: str | Path) -> pd.DataFrame:
    """All returned forms: rater, method, question, level.

    ``UserError`` names every refused file and the reason. Refused are files of another kit, files with missing,
    repeated or unknown answers, files changed after they were saved, and a second file of the same rater.
    """
    kit, key = read_key(key_path)
    tables: list[pd.DataFrame] = []
    refused: list[str] = []
    raters: dict[str, str] = {}
    for path in sorted(map(Path, paths)):
        try:
            table = _cells(path)
        except UserError as error:
            refused.append(f"{path.name} ({str(error).removeprefix(f'{path}: ')})")
            continue
        if table is None:
            refused.append(f"{path.name} (not a CSV of the form)")
            continue
        reason = _fault(table, kit, key)
        rater = table["rater"].iloc[0] if not reason else ""
        if rater and rater.casefold() in raters:
            reason = f"{rater} has already answered in {raters[rater.casefold()]}"
        if reason:
            refused.append(f"{path.name} ({reason})")
            continue
        raters[rater.casefold()] = path.name
        tables.append(table.assign(method=table["sequence"].map(key))[["rater", "method", "question", "level"]])
    if refused:
        raise UserError(
            f"survey: refused {'; '.join(refused)}; remove them from the folder or have them filled in again"
        )
    return (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["rater", "method", "question", "level"])
    )


def _fault(table: pd.DataFrame, kit: str, key: Mapping[str, str]) -> str:
    """The reason to refuse a returned form; '' if the form is valid."""
    if list(table.columns) != COLUMNS or table.empty:
        return "not a CSV of the form"
    if set(table["kit"]) != {kit}:
        return f"filled in for another kit, not {kit}"
    if table["rater"].nunique() != 1 or not table["rater"].iloc[0].strip():
        return "tampered: more than one rater"
    pairs = {(code, question) for code in key for question in QUESTIONS}
    answers = list(zip(table["sequence"], table["question"], strict=True))
    if unknown := sorted(set(answers) - pairs):
        return f"tampered: no sequence {unknown[0][0]} with question {unknown[0][1]} in the kit"
    if len(answers) != len(set(answers)):
        return "duplicate: two answers to one question"
    missing = pairs - {pair for pair, level in zip(answers, table["level"], strict=True) if level}
    if missing:
        return f"incomplete: {len(missing)} of {len(pairs)} answers missing, first {' '.join(min(missing))}"
    if stray := sorted(set(table["level"]) - set(LEVELS)):
        return f"tampered: no level {stray[0]!r}"
    rows = table[["sequence", "question", "level"]].to_numpy().tolist()
    if set(table["check"]) != {checksum(kit, table["rater"].iloc[0], rows)}:
        return "tampered: changed after it was saved"
    return ""
