"""An independent checker of certificates of real log canonical thresholds.

`theory.rlct` finds λ and m of K and writes down why; this package reads what was written (plain data, specified in
`theory.rlct.format`) and proves it again. It shares no code with the search and trusts none of its claims: states are
computed, never copied, and compared with the claimed ones.

    verdict                   the whole certificate; `check` and `report`
    statement, comparison     the root describes the caller's K
    state                     strata: points, function, measure
    steps, coordinates        the steps inside a node
    units                     proofs that a polynomial has no zero on a stratum
    branchings                children, none missing
    programme                 weak duality for both bounds
    polynomials, refusal      arithmetic; how the checker says no

    check(certificate, K)                 True or False, never an exception
    report(certificate, K).reason         the first thing that is not verified

Source: R. M. McConnell, K. Mehlhorn, S. Näher, P. Schweitzer, Certifying algorithms (2011).
"""

from theory.certificate.verdict import Report, check, report

__all__ = ["Report", "check", "report"]
