"""Pages of the report: the verdict and the gallery."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from docutils.core import publish_parts

from benchmark.files import written
from benchmark.print.page import page
from benchmark.print.typeset import Table, rst, rst_escape

TITLE = "The verdict: this run and the article"
# Section headings are h2 (the page's title is h1), also if there is only one section. No text, such as a label in a
# config, may add HTML or another file to a page.
SAFE = {"raw_enabled": False, "file_insertion_enabled": False, "_disable_config": True}
PLAIN = SAFE | {"initial_header_level": 2, "doctitle_xform": False}


PICTURE = 1200  # largest width in pixels of a picture inside a page


@dataclass(frozen=True)
class Picture:
    """A figure inside a page: its PNG file, its name for readers and its caption in reStructuredText."""

    path: Path
    name: str
    caption: str

    def rst(self) -> str:
        """reStructuredText with the embedded picture (JPEG), so that the page needs no other file."""
        from PIL import Image

        image = Image.open(self.path).convert("RGB")
        image.thumbnail((PICTURE, PICTURE))
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=88)
        # docutils refuses long lines, and removes spaces from an address.
        data = base64.encodebytes(buffer.getvalue()).decode().strip().replace("\n", "\n   ")
        name = " ".join(self.name.split())
        return f".. image:: data:image/jpeg;base64,{data}\n   :alt: {name}\n\n{self.caption.strip()}\n"


@dataclass(frozen=True)
class Heading:
    """The title of a section without a table."""

    text: str


Part = str | Table | list[str] | Picture | Heading


def verdict_page(parts: Sequence[Part]) -> str:
    """reStructuredText: a string is a paragraph, a table has its title as heading, a list is bulleted."""
    blocks = []
    for part in parts:
        if isinstance(part, Table):
            blocks.append(f"{_heading(part.title)}{rst(part)}")
        elif isinstance(part, Heading):
            blocks.append(_heading(part.text))
        elif isinstance(part, Picture):
            blocks.append(part.rst())
        elif isinstance(part, list):
            blocks.append("\n".join(f"- {rst_escape(text)}" for text in part) + "\n")
        else:
            blocks.append(rst_escape(part) + "\n")
    return "\n".join(blocks)


def _heading(title: str) -> str:
    title = rst_escape(title)
    return f"{title}\n{'-' * len(title)}\n\n"


def write_verdict(rst_path: str | Path, html_path: str | Path, parts: Sequence[Part]) -> None:
    """Writes the page twice: as part of the report, and as a separate page."""
    text = verdict_page(parts)
    for path, content in ((rst_path, text), (html_path, as_html(TITLE, text))):
        with written(path) as aside:
            aside.write_text(content, encoding="utf-8")


def as_html(title: str, text: str) -> str:
    """reStructuredText as a self-contained page."""
    return page(title, publish_parts(text, writer="html5", settings_overrides=PLAIN)["html_body"])


def gallery(title: str, figures: Mapping[str, tuple[str, str]]) -> str:
    """All figures on one page, in order.

    ``figures``: by file name of the picture, the title and the caption in reStructuredText.
    """
    parts = []
    for file, (name, caption) in figures.items():
        link = html.escape(file)
        parts.append(
            f'<figure id="{html.escape(Path(file).stem)}"><a href="{link}"><img src="{link}" alt="{html.escape(name)}" '
            f'loading="lazy"></a><figcaption><b>{html.escape(name)}</b>'
            f"{publish_parts(caption, writer='html5', settings_overrides=SAFE)['body']}</figcaption></figure>\n"
        )
    return page(title, "".join(parts))
