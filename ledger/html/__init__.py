"""The report as one web page that stands alone: no script, no style sheet and no picture from elsewhere.

The page opens with what was found: the findings, what was refuted, what is owed. Then comes a table with the three layers of
every claim, drawn; below, in the primer's order, a card for each claim with its formulas and, folded, the evidence of the three
layers; last the applied section and the environment. It can be read on a phone, on paper and by keyboard, and every claim
has an anchor that stays (`report.html#eq-19`, see `anchors`).

Reading order: `whole` (the page), `layers` (the evidence), `strips` (numbers as small pictures), `formulas` (TeX to MathML),
`frame` (any page of the project), `style` (colours and sheet). The pictures are `ledger.figures`, `ledger.drawing` and
`ledger.resolutions`; the TeX is `ledger.claims.typeset`.

Functions: `page` (of a report); `document` and `data` for other pages of the same style.
"""

from ledger.html.frame import data, document
from ledger.html.whole import page

__all__ = ["data", "document", "page"]
