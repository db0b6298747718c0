"""One table, four files: Markdown to read, LaTeX to print, HTML for the report, and a caption for it."""

import html as html_
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmark.files import write_csv, written
from benchmark.print.page import page


@dataclass(frozen=True)
class Cell:
    """Text, whether the text is bold (best of its column), and the number of a footnote."""

    text: str
    bold: bool = False
    note: int = 0


@dataclass
class Table:
    """``rows``: each a list of cells, or a string, which is a heading across the table.

    ``notes`` are numbered from 1.
    """

    title: str
    caption: str
    columns: Sequence[str]
    rows: list[list[Cell] | str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> int:
        """Number of the footnote ``text``, which is added if it is new; 0 for an empty text."""
        if text and text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1 if text else 0

    @property
    def words(self) -> list[bool]:
        """Whether a column holds words, which begin at the left; numbers end at the right. The first always does."""
        rows = [row for row in self.rows if not isinstance(row, str)]
        beginnings = [
            {row[column].text[:1] for row in rows if row[column].text != "n/a"} for column in range(len(self.columns))
        ]
        return [not index or any(first.isalpha() for first in firsts) for index, firsts in enumerate(beginnings)]


_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "∞": r"$\infty$", "−": "$-$",
    "σ": r"$\sigma$", "·": r"$\cdot$", "×": r"$\times$", "Δ": r"$\Delta$", "η": r"$\eta$", "ε": r"$\varepsilon$",
    "≥": r"$\geq$", "≤": r"$\leq$", "α": r"$\alpha$", "κ": r"$\kappa$", "τ": r"$\tau$", "–": "--",
    "<": "$<$", ">": "$>$",
}  # fmt: skip


def tex_escape(text: str) -> str:
    """Text escaped for LaTeX, including symbols."""
    return "".join(_TEX.get(letter, letter) for letter in text)


def rst_escape(text: str) -> str:
    """Text escaped for reStructuredText: one line without markup and directives."""
    line = " ".join(text.split())
    escaped = "".join(f"\\{letter}" if letter in r"\*_`|" else letter for letter in line)
    opens = escaped[:1] in string.punctuation.replace("\\", "") and not escaped[1:2].isdigit()  # not of "+0.07"
    return f"\\{escaped}" if escaped and opens else escaped


def markdown(table: Table) -> str:
    """GitHub's Markdown: heading, table, footnotes, caption."""

    def show(cell: Cell) -> str:
        text = cell.text.replace("|", r"\|")
        return (f"**{text}**" if cell.bold else text) + (f"<sup>{cell.note}</sup>" if cell.note else "")

    width = len(table.columns)
    lines = [f"# {table.title}", "", "| " + " | ".join(table.columns) + " |"]
    lines.append("|" + "".join("---|" if words else "---:|" for words in table.words))
    for row in table.rows:
        texts = [f"**{row}**"] + [""] * (width - 1) if isinstance(row, str) else [show(cell) for cell in row]
        lines.append("| " + " | ".join(texts) + " |")
    lines += [""] + [f"<sup>{i}</sup> {text}  " for i, text in enumerate(table.notes, 1)]
    return "\n".join([*lines, *([""] if table.notes else []), table.caption, ""])


def latex(table: Table) -> str:
    """A table environment for booktabs; a wide one is scaled to the line (graphicx)."""

    def show(cell: Cell) -> str:
        text = tex_escape(cell.text)
        return (rf"\textbf{{{text}}}" if cell.bold else text) + (
            rf"\textsuperscript{{{cell.note}}}" if cell.note else ""
        )

    width = len(table.columns)
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{tex_escape(table.title)}. {tex_escape(table.caption)}}}",
    ]
    wide = width > 8
    lines += [r"\resizebox{\linewidth}{!}{%"] if wide else []
    lines += [rf"\begin{{tabular}}{{{''.join('l' if words else 'r' for words in table.words)}}}", r"\toprule"]
    lines += [" & ".join(map(tex_escape, table.columns)) + r" \\", r"\midrule"]
    for row in table.rows:
        if isinstance(row, str):
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{tex_escape(row)}}}}} \\")
        else:
            lines.append(" & ".join(map(show, row)) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}" + ("}" if wide else "")]
    lines += [rf"\par\footnotesize\textsuperscript{{{i}}} {tex_escape(text)}" for i, text in enumerate(table.notes, 1)]
    return "\n".join([*lines, r"\end{table}", ""])


def rst(table: Table) -> str:
    """reStructuredText for pages with other content: the table without title and caption, or a sentence if there are no
    rows."""

    def show(cell: Cell, words: bool = False) -> str:
        text = rst_escape(cell.text)
        text = f"**{text}**" if cell.bold and text else text
        return f".. class:: words\n\n       {text}" if words and text else text

    if not table.rows:  # docutils takes no table without a body
        return "This run has no data for this table.\n"
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [[Cell(column) for column in table.columns], *table.rows]:
        cells = [Cell(row)] + [Cell("")] * (len(table.columns) - 1) if isinstance(row, str) else row
        shown = [show(cell, words) for cell, words in zip(cells, table.words, strict=True)]
        lines += [f"   {'*' if index == 0 else ' '} - {text}".rstrip() for index, text in enumerate(shown)]
    return "\n".join([*lines, ""])


def html(table: Table) -> str:
    """A self-contained page, for the report and the browser.

    A heading across begins a block (``tbody``); inside a block a column's heading sorts the rows (``sort.js``).
    """

    classes = [' class="words"' if words else "" for words in table.words]

    def show(cell: Cell, kind: str) -> str:
        text = html_.escape(cell.text)
        text = f"<b>{text}</b>" if cell.bold else text
        return f"<td{kind}>{text}{f'<sup>{cell.note}</sup>' if cell.note else ''}</td>"

    across = f'</tbody><tbody>\n<tr><th class="group" scope="rowgroup" colspan="{len(table.columns)}">'
    body = "".join(
        f"{across}{html_.escape(row)}</th></tr>\n"
        if isinstance(row, str)
        else "<tr>" + "".join(map(show, row, classes)) + "</tr>\n"
        for row in table.rows
    )
    body = f"<tbody>{body}</tbody>".replace("<tbody></tbody>", "")
    named = zip(table.columns, classes, strict=True)
    head = "".join(f'<th scope="col"{kind}>{html_.escape(column)}</th>' for column, kind in named)
    notes = "".join(f"<p class=notes><sup>{i}</sup> {html_.escape(text)}</p>" for i, text in enumerate(table.notes, 1))
    numbers = f'<table class="numbers"><thead><tr>{head}</tr></thead>\n{body}</table>'
    return page(table.title, f"{numbers}{notes}<p>{html_.escape(table.caption)}</p>")


def write_table(stem: str | Path, frame: pd.DataFrame, table: Table) -> None:
    """Writes ``{stem}.csv`` (``frame``, all significant digits), ``.md``, ``.tex``, ``.html`` and ``.rst``
    (caption)."""
    write_csv(f"{stem}.csv", frame)
    caption = f"{rst_escape(table.title)}. {rst_escape(table.caption)}\n"
    for suffix, text in (("md", markdown(table)), ("tex", latex(table)), ("html", html(table)), ("rst", caption)):
        with written(f"{stem}.{suffix}") as aside:
            aside.write_text(text, encoding="utf-8")


def write_caption(path: str | Path, caption: str) -> None:
    """Writes a figure's caption as reStructuredText, for the report and the gallery."""
    with written(path) as aside:
        aside.write_text(rst_escape(caption) + "\n", encoding="utf-8")


def number(value: float, digits: int, sign: bool = False) -> str:
    """A number for print: '' for NaN, ∞ for infinity, a proper minus, and none for a value that rounds to 0."""
    if pd.isna(value):
        return ""
    if abs(value) == float("inf"):
        return "∞" if value > 0 else "−∞"
    return f"{value:{'+' if sign else ''}z.{digits}f}".replace("-", "−")


def as_printed(value: float, digits: int) -> float:
    """The value that ``number`` prints. NumPy and pandas round some values that end in 5 otherwise: 0.12345 to
    0.1234."""
    return float(f"{value:.{digits}f}")
