"""Where a claim stands on the page: the label as a fragment, so that a notebook may link to `report.html#eq-19`.

    eq 19 → eq-19     Lem 20′ → lem-20-prime     §6.3.2 → sec-6.3.2     App A, κ₃ → app-a-kappa3     chain e→0 → chain-e-to-0

A claim is found under its id and under every other label that it carries. Anchors are part of what is kept stable.

Functions: `anchor` (of a label), `share` (the anchors of several claims, each given once).
"""

import unicodedata
from collections.abc import Collection, Sequence

from ledger.claim import Claim

_WORDS = {"§": "sec-", "′": "-prime", "→": "-to-", "*": "-star"}


def anchor(label: str) -> str:
    """The label in lower-case ASCII letters, digits, points and hyphens; Greek letters are spelled out."""
    spelled = "".join(_WORDS.get(sign, sign) for sign in label)
    plain = "".join(map(_plain, unicodedata.normalize("NFKD", spelled).casefold()))
    return "-".join(part for part in plain.split("-") if part) or "claim"


def share(claims: Sequence[Claim], taken: Collection[str]) -> list[list[str]]:
    """For each claim its own anchor, then those of its other labels; what is taken is left out or numbered."""
    given = set(taken)
    own = []
    for claim in claims:
        name, number = anchor(claim.id), 1
        while name in given:
            number += 1
            name = f"{anchor(claim.id)}-{number}"
        given.add(name)
        own.append([name])
    for names, claim in zip(own, claims, strict=True):
        for name in map(anchor, claim.labels):
            if name not in given:
                given.add(name)
                names.append(name)
    return own


def _plain(sign: str) -> str:
    if sign.isascii():
        return sign if sign.isalnum() or sign == "." else "-"
    words = unicodedata.name(sign, "").split()
    return words[3].lower() if words[:1] == ["GREEK"] and len(words) > 3 else "" if unicodedata.combining(sign) else "-"
