"""What every page of the project is made of: a document that stands alone, escaped text, and values as a list of names.

Functions: `document`, `data`, `text`.
"""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ledger import output
from ledger.html.style import SHEET

# A page is for reading: what is longer is cut here, and whole in the JSON.
_LONGEST = 4000


def document(title: str, body: str, contents: str = "") -> str:
    """A page that stands alone, in the style of the report; `contents` is its <nav>, if it has one."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(title)}</title><style>{SHEET}</style></head>\n"
        f'<body{" class=contents" if contents else ""}><a class="skip" href="#main">Skip to the content</a>\n{contents}'
        f'<main id="main">\n{body}\n</main></body></html>\n'
    )


def data(values: Mapping[str, Any]) -> str:
    """The values as a list of names and what they are."""
    return f"<dl>{''.join(_entries(values))}</dl>" if values else ""


def text(value: Any) -> str:
    """Text that is shown as it is, in an element or an attribute."""
    return escape(str(value), quote=True)


def short(value: Any) -> str:
    """One value in a line: six significant digits, a dash for what is not there."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return "–" if value is None or value in ([], {}) else str(value)


def _entries(values: Mapping[str, Any]) -> Iterator[str]:
    for key, value in output.plain(values).items():
        yield f"<dt>{text(key)}</dt><dd>{_value(value)}</dd>"


def _value(value: Any) -> str:
    if isinstance(value, dict) and value and not any(isinstance(item, (dict, list)) for item in value.values()):
        return text(_cut(", ".join(f"{key} {short(item)}" for key, item in value.items())))
    if isinstance(value, list) and value and not any(isinstance(item, (dict, list)) for item in value):
        return text(_cut(", ".join(map(short, value))))
    if isinstance(value, list) and value and all(isinstance(item, dict) and "summary" in item for item in value):
        return f'<ol class="parts">{"".join(map(_part, value))}</ol>'
    nested = isinstance(value, (dict, list)) and value
    return f"<pre>{text(_cut(output.dumps(value).rstrip()))}</pre>" if nested else text(_cut(short(value)))


def _part(part: Mapping[str, Any]) -> str:
    """One comparison of several: its summary, and its numbers in a line, or folded below where a line cannot hold them."""
    rest = {key: value for key, value in part.items() if key not in ("summary", "status")}
    if any(isinstance(value, (dict, list)) for value in rest.values()):
        return f"<li><details><summary>{text(part['summary'])}</summary>{data(rest)}</details></li>"
    numbers = ", ".join(f"{key} {short(value)}" for key, value in rest.items())
    return f'<li>{text(part["summary"])} <span class="soft">{text(_cut(numbers))}</span></li>'


def _cut(words: str) -> str:
    if len(words) <= _LONGEST:
        return words
    return f"{words[:_LONGEST]} … ({len(words) - _LONGEST} more characters: see the report's JSON)"
