"""Pages of the report: the verdict and the gallery."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from docutils.core import publish_parts

from benchmark.files import written
from benchmark.print.page import page
from benchmark.print.typeset import Table, rst, rst_escape

TITLE = "The verdict: this run and the article"
# Section headings are h2 (the page's title is h1), and one section is not taken for the page's title.
PLAIN = {"initial_header_level": 2, "doctitle_xform": False}


def verdict_page(parts: Sequence[str | Table | list[str]]) -> str:
    """reStructuredText: a string is a paragraph, a table has its title as heading, a list is bulleted."""
    blocks = []
    for part in parts:
        if isinstance(part, Table):
            blocks.append(f"{part.title}\n{'-' * len(part.title)}\n\n{rst(part)}")
        elif isinstance(part, list):
            blocks.append("\n".join(f"- {rst_escape(text)}" for text in part) + "\n")
        else:
            blocks.append(rst_escape(part) + "\n")
    return "\n".join(blocks)


def write_verdict(rst_path: str | Path, html_path: str | Path, parts: Sequence[str | Table | list[str]]) -> None:
    """The page twice: for the report to take in, and to open by itself."""
    text = verdict_page(parts)
    for path, content in ((rst_path, text), (html_path, as_html(TITLE, text))):
        with written(path) as aside:
            aside.write_text(content)


def as_html(title: str, text: str) -> str:
    """reStructuredText as a page that stands alone."""
    return page(title, publish_parts(text, writer="html5", settings_overrides=PLAIN)["html_body"])


def gallery(title: str, figures: Mapping[str, tuple[str, str]]) -> str:
    """All figures on one page, in their order. ``figures``: by the picture's file name, its name for readers and its
    caption in reStructuredText."""
    parts = []
    for file, (name, caption) in figures.items():
        link = html.escape(file)
        parts.append(
            f'<figure id="{html.escape(Path(file).stem)}"><a href="{link}"><img src="{link}" alt="{html.escape(name)}" '
            f'loading="lazy"></a><figcaption><b>{html.escape(name)}</b>'
            f"{publish_parts(caption, writer='html5')['body']}</figcaption></figure>\n"
        )
    return page(title, "".join(parts))
