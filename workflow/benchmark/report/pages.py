"""Pages of the report: the verdict and the gallery."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from docutils.core import publish_parts

from benchmark.files import written
from benchmark.print.typeset import _CSS, Table, rst, rst_escape


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
    for path, page in ((rst_path, text), (html_path, as_html("Verdict", text))):
        with written(path) as aside:
            aside.write_text(page)


def as_html(title: str, text: str) -> str:
    """reStructuredText as a page that stands alone."""
    body = publish_parts(text, writer="html5", settings_overrides={"initial_header_level": 2})["html_body"]
    return _page(title, body)


def gallery(title: str, captions: Mapping[str, str]) -> str:
    """All figures with their captions; ``captions``: reStructuredText by the picture's file name."""
    figures = "".join(
        f'<figure id="{html.escape(Path(name).stem)}"><a href="{html.escape(name)}"><img src="{html.escape(name)}" '
        f'alt="{html.escape(Path(name).stem)}" loading="lazy"></a>'
        f"<figcaption><b>{html.escape(Path(name).stem)}</b> {publish_parts(text, writer='html5')['body']}"
        "</figcaption></figure>\n"
        for name, text in captions.items()
    )
    return _page(title, f"<h1>{html.escape(title)}</h1>\n{figures}")


def _page(title: str, body: str) -> str:
    style = _CSS + "figure{margin:2em 0;max-width:70em}img{max-width:100%}figcaption p{margin:.3em 0}"
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style>\n{body}</html>\n"
    )
