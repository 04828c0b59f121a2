"""Text cut into tokens, and the words in which a message shows text.

Reading order: `Token`, `tokens`; `unexpected`, `clean`, `printable`, `count`.
"""

import re
from typing import NamedTuple

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![A-Za-z_0-9]))?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<mark>\*\*|[-+*/^()]))",
    re.ASCII,
)


class Token(NamedTuple):
    """`kind` is "number", "name", "end", or the mark itself; `column` counts from 1."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    """Cut the text into tokens; an unreadable character becomes a token of kind "unknown"."""
    found, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            position += len(text[position:]) - len(text[position:].lstrip())
            found.append(Token("unknown", text[position], position + 1))
            break
        kind = str(match.lastgroup)
        body = match[kind]
        found.append(Token(body if kind == "mark" else kind, body, match.start(kind) + 1))
        position = match.end()
    return [*found, Token("end", "", end + 1)]


def unexpected(token: Token) -> str:
    """What is wrong with a token that cannot stand where it does."""
    if token.kind == "end":
        return "it ends where a number, a name or a parenthesis should follow"
    if token.kind == "unknown" or token.kind == ")":
        return f'the character "{printable(token.text)}" is not expected here'
    if token.kind in ("number", "name", "("):
        return f'an operator is missing before "{clean(token.text, 40)}"; a product is written 2*x'
    return f'"{token.text}" is not expected here; a number, a name or a parenthesis should follow'


def clean(text: str, limit: int) -> str:
    """One printable line of at most `limit` characters."""
    line = printable(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def printable(text: str) -> str:
    """The text with a blank for every character that does not print."""
    return "".join(character if character.isprintable() else " " for character in text.strip())


def count(number: int, noun: str) -> str:
    """The number with its noun, in the plural where it is not 1."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
