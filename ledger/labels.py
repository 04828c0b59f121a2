"""Find claims by the names that people type.

A claim is known by its id and by every label of its row in the primer. Case, spaces and abbreviation do not matter, and
a name may come as two words: eq 19, Eq19, "equation (19)", "Lemma 25", 6.3.2.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from ledger.claim import Claim
from theory.errors import BadInput

_SHORT = {
    "equation": "eq",
    "lemma": "lem",
    "definition": "def",
    "theorem": "thm",
    "corollary": "cor",
    "remark": "rem",
    "example": "ex",
    "figure": "fig",
    "section": "",
}


def select(claims: Sequence[Claim], names: Sequence[str]) -> list[Claim]:
    """The claims that `names` name, in the order of `claims`; all of them when there are no names."""
    known: dict[str, set[str]] = {}
    for claim in claims:
        for label in (claim.id, *claim.labels):
            known.setdefault(key(label), set()).add(claim.id)
    wanted: set[str] = set()
    for name in _joined(names, known):
        if key(name) not in known:
            raise BadInput(_unknown(name, claims))
        wanted |= known[key(name)]
    return [claim for claim in claims if not names or claim.id in wanted]


def key(label: str) -> str:
    """A label without what writers vary: "Equation (19)" and "eq. 19" are "eq19", "§6.3.2" is "6.3.2"."""
    words = re.sub(r"[a-z]+", lambda word: _SHORT.get(word[0], word[0]), label.casefold())
    return re.sub(r"[\s()§]|(?<=[a-z])\.", "", words)


def _joined(names: Sequence[str], known: Mapping[str, object]) -> Iterator[str]:
    """The names, with a kind and its number put together where the shell has separated them (eq 19)."""
    words = list(names)
    while words:
        split = len(words) > 1 and words[0].rstrip(".").isalpha() and words[1][:1].isdigit()
        two = split and key(words[0]) not in known
        yield " ".join(words[: 1 + two])
        del words[: 1 + two]


def _unknown(name: str, claims: Sequence[Claim]) -> str:
    labels = {key(label): label for claim in claims for label in (claim.id, *claim.labels)}
    close = [f'"{labels[near]}"' for near in difflib.get_close_matches(key(name), labels, n=3)]
    hint = f"did you mean {' or '.join(close)}? See" if close else "see"
    return f'no claim is called "{name[:60]}"; {hint} threefold verify --list'
