"""A page of headed sections with figures and tables: self-contained, without scripts or remote parts."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from sim.report import words


class Section(NamedTuple):
    """One part of a page.

    Attributes
    ----------
    heading : str
    about : sequence of str
        Paragraphs.
    head, rows : sequence of str, sequence of rows of str
        A table; none without rows.
    svg : bytes
        A figure; none when empty.
    """

    heading: str
    about: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    svg: bytes = b""


def sheet(title: str, meta: str, lead: Sequence[str], sections: Sequence[Section], run_id: str) -> bytes:
    """HTML of a page; every string is escaped.

    Parameters
    ----------
    title, meta : str
        Heading, and the line under it that says what made the page.
    lead : sequence of str
        Paragraphs before the first section: the answer.
    sections : sequence of Section
    run_id : str
        Of the run or sweep.
    """
    environment = Environment(
        loader=PackageLoader("sim.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    css = files("sim.report").joinpath("templates/page.css").read_text(encoding="utf-8")
    shown = [
        {
            "heading": words.plain_text(part.heading),
            "about": [words.plain_text(line) for line in part.about],
            "head": [words.plain_text(cell) for cell in part.head],
            "rows": [[words.plain_text(cell) for cell in row] for row in part.rows],
            "image": base64.b64encode(part.svg).decode(),
        }
        for part in sections
    ]
    text: str = environment.get_template("sheet.html.j2").render(
        title=words.plain_text(title),
        meta=words.plain_text(meta),
        lead=[words.plain_text(line) for line in lead],
        sections=shown,
        run_id=run_id,
        css=css,
        css_hash=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
    )
    return text.encode()
