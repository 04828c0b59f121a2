"""Figure 4 of the primer: `python notebooks/figure4.py` writes figure4.svg.

The ten diagrams of t² Cov(φ, ψ); the hypothesis Dφ(w*) = 0 removes those in grey, and the four that are left are the terms of
Lemma 25. The command line draws any other family: `threefold graphs --marked 3 --order 2 --svg FILE`.
"""

from pathlib import Path

from ledger import answers, drawing

family = answers.family(2, 2, prior=False, vanishing=["1:1"])
Path(__file__).with_name("figure4.svg").write_text(drawing.page(family), encoding="utf-8")
