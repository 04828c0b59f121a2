"""The certificate of a threshold: plain data from which both bounds can be verified again, without the search.

A certificate is a JSON object (dictionaries, lists, strings, integers, booleans). Rational numbers are strings "a/b" or "a";
polynomials are strings in the notation of Python (`x**2*y - 3*z`) with integer coefficients, in the names of `names`.
**A coordinate keeps its name**: after a change of coordinates or a blow-up the name stands for the new coordinate.

Top level
---------
    format        "threefold-rlct/1"
    variables     [name] of the problem;   names = variables + a few spare names, which come into use by `adjoin` and `cover`
    point         {name: value}: all coordinates below are measured from it (values may be irrational, in sympy's notation)
    orientation   {name: 1 | -1}: w = point + orientation·(local coordinate); -1 where the domain ends above the point
    power         K ≍ max_j |g_j|^power near the point: 2 for sums of squares, 1 when K itself is the only generator
    relation      {"kind": "squares" | "itself", "weights": [w_j], "roots": [r_j], "comparisons": [...], "span": [s_j]}: in local
                  coordinates K = Σ w_j r_j² with w_j > 0, or K = r_1. Without "comparisons" g_j is r_j up to a non-zero factor
                  (those r_j that are 0 have no g_j). "comparisons" lists the rules of `theory.rlct.analytic` used on the r_j, in
                  order. With "span" (not together with "comparisons") g_j is s_j up to a non-zero factor, where the s_j have
                  the same span over Q as the r_j, all of them polynomials with rational coefficients
    generators    {number: polynomial}: the g_j in local coordinates
    numbers       {name: value}: an irrational number in the generators (its minimal polynomial is in the root's `roots`)
    root, nodes   number of the root node; [node]
    lower, upper  {"value": rational | "infinite", "multiplicity": integer}: lower ≤ (λ, m) ≤ upper for K ("infinite" has m = 1)
    exact         true when lower = upper
    upper_proof   see "Upper bound"; absent when there is none

Pairs (λ, m) are ordered by λ, and for equal λ a *larger* m is smaller. Bounds inside the nodes are for the function
Π |x_i|^{e_i}·max_j |g_j| itself: their λ is `power` times that of K; multiplicities agree.

State of a stratum
------------------
    kind          {name: "small" | "unit" | "free"}: 0, non-zero, any real number at the points of the stratum (absent names:
                  not in use)
    roots         {name: relation}: dependent quantities. They are units but no coordinates; the relation is a polynomial
                  that vanishes identically. It holds other dependent quantities only, then the name is an algebraic number
                  (any real root); or also coordinates, then the name is an analytic function of them
    jacobian      {name: h}: the measure is Π |x|^h dx over the coordinates (h = 0 is left out; h > -1)
    sign          [name]: restricted to x ≥ 0 (a unit is then positive)
    factor        {name: e}: see above (e = 0 is left out)
    generators    {number: polynomial}, each up to a non-zero rational factor
    nonzero       [polynomial] that do not vanish on the stratum
    positive      [polynomial] that are positive on the stratum
    shadowed      [name]: coordinates that range over some non-empty open set that is not described
    uncertain     true when the stratum might be empty (then it gives no upper bound)

*p on the stratum* means: the small coordinates set to 0. *p depends* on a coordinate if that occurs in p on the stratum, or in
the relation of a dependent quantity that does, and so on. Only unit and free coordinates that are not dependent are shadowed; one
that becomes small or dependent leaves the list. A stratum is *empty* when on it a polynomial of `nonzero` is 0, or one of
`positive` is 0 or a negative number. *Normalising* a polynomial means reducing it modulo the relations,
the last one first, each in its own name (in which its leading coefficient is a number), again until nothing changes (at most
12 times), and dividing by the content.
Polynomials of two states agree when they are equal, up to a rational factor, after this.

The root node's state: every variable small, jacobian = exponents of the prior, sign = restricted coordinates, factor empty,
generators as above, a number (if any) in `roots` with kind unit, everything else empty.

Node
----
    number        its name in "root" and "node"
    given         state before the steps
    steps         [step], carried out in order; they leave the value (the least (λ, m) over the points) alone
    result        state after the steps
    lower         {"value", "multiplicity", "dual": {number: weight}}: every point of the stratum has (λ, m) ≥ this pair. It may be
                  worth little where there is a branch; without a branch it is what counts
    branch, children    see "Branchings"; then also: the value of the node is the least value of its children

*Lower bound.* Rows: a_j + e for the generators of `result` that are monomials x^{a_j}, on the small and free coordinates,
with costs c = h + 1 for small ones and min(1, h + 1) for free ones (good both where such a coordinate is 0 and where it is
not). y ≥ 0, Σ_j y_j (a_j + e) ≤ c in every coordinate, Σ y_j = value. With T = the rows with y_j > 0 and the unit vectors of
the coordinates where the inequality is strict, multiplicity = 1 + n − rank T, n the number of small and free coordinates.
"infinite": a generator is 1 and e = 0, so that the function does not vanish; or the stratum is empty. Without monomial
generators the value is 0.

*Lower bound by derivatives.* {"value", "multiplicity", "dual", "along": x, "derivatives": {j: {"order": d, "proof": unit proof of
∂^d g_j/∂x^d}}}: as before, on all coordinates that are not dependent (units without exponents), with cost 1 for units and
min(1, h + 1) for x, and with rows d·(unit vector of x) + e for the generators j of "derivatives", which need not be monomials.
x is in no relation. multiplicity is the number of these coordinates. Why: `theory.rlct.sublevel`.

Steps
-----
drop        {"generator": i}: g_i is 0, or another generator is 1
combine     {"generator": i, "scale": c, "times": q, "by": j, "from": p, "with": r}: with g_i = p and g_j = r (as always up
            to a factor), g_i ← c·p − q·r, where c is a non-zero integer and j ≠ i
divide      {"generator": i, "by": p, "proof": unit proof}: g_i ← g_i/p
prune       {"generator": i, "terms": [[v, {j: w_j}], ...]}: the terms with exponents v (in the order of `names`) leave g_i.
            For each, w_j ≥ 0, Σ w_j = 1, j ≠ i, g_j = x^{a_j} at that moment, and Σ w_j a_j ≤ v on the small and free coordinates
spread      {"generator": i, "into": {number: exponents}}: every term of g_i has the same sign on the domain (even exponents where
            there is no sign); g_i is replaced by its terms
extract     {"exponents": v}: x^v divides every generator; divide all by it, add v to the factor (units are left out)
restrict    the polynomials of `nonzero` and `positive` are restricted to the stratum and normalised (the positive ones by
            positive factors only); numbers leave the lists unless they show that the stratum is empty, and so does what is
            there already
promote     {"variable": x, "polynomial": q}: q is in one of the lists and x divides it on the stratum: x becomes a unit, its
            exponents in factor and jacobian are dropped
straighten  {"variable": x, "coordinate": f, "a": a, "b": b, "proof": unit proof of a}: f = a·x + b, with a, b free of x. x ← f:
            in every polynomial (relations too) x is replaced by (x − b)/a, times a^degree (positive ones: an even power of a).
            Conditions: x is not dependent, and if x occurs in a relation, then a is a number and b holds no dependent
            quantity. A small or free x has jacobian 0, factor 0 and no sign; if x is small, b is 0 on the stratum; the kind
            stays. A unit x stays a unit if b is 0 on the stratum, else it becomes free and, before the substitution, joins
            `nonzero`; if it has a sign it joins `positive` instead, in either case, and loses the sign. Numbers leave `nonzero`.
            If x is shadowed, so becomes everything on which a and b depend: x runs through an open set only, and for that x
            the new coordinate is held to an open set with the others
square      {"variable": x, "scaled": [z]}: for a unit x: x ← x² (which gets a sign), z ← z·x. In every generator and every
            polynomial of `nonzero` the numbers v_x − Σ v_z (z scaled) over the exponents v are all even or all odd; the
            polynomial is multiplied by the power of x for which the least of them becomes 0, and these numbers are halved.
            No relation and no polynomial of `positive` holds x or a scaled z; a scaled z has a sign only if x had one. If a
            scaled z is shadowed, so becomes x
implicit    {"variable": x, "coordinate": f, "powers": {j: k}, "proof": slope, "witness": ...}: x ← f at the points where f =
            0. Every g_j with x in it is f^k times a polynomial without x, and becomes x^k times it; x is in no relation;
            conditions as for straighten. If x is small, f is 0 on the stratum, and the lists are first restricted to it.
            Another x only in a split, and then all on which f depends, and on which the listed polynomials depend that hold
            x, becomes shadowed, the latter leave the lists, and the stratum becomes uncertain without a witness, or if one of
            these coordinates or x was shadowed before. x becomes small, h = 0
adjoin      (in a split, for x not small) {"variable": x, "root": α, "relation": q(α), "witness": ...}: x = α + (new small
            coordinate x) where q(x) = 0; q holds algebraic numbers besides x only, its leading coefficient in x is a number.
            If x is free, 0 is no root: the norm (see `theory.rlct.units`) of q(0) is a number ≠ 0. α becomes a unit with that
            relation. x as for straighten, and in no relation. Uncertain without witness or if x was shadowed
cover       (in a split, for x not small) {"variable": x, "coordinate": w, "relation": f − w, "proof": slope, "unit": unit
            proof, "witness": ...}: w becomes a small coordinate, the unit x a dependent quantity with this relation, at the
            points where f = 0. The leading coefficient of f in x is a number; "unit" (needed for a free x) proves the constant
            one. The derivatives by x of the relations already there are 0 on the stratum. If f is linear in x, "unit" is given,
            x has no sign, was not shadowed and is in no polynomial of `positive`, then f = 0 can be met everywhere. Otherwise
            all on which f depends becomes shadowed, and the stratum is uncertain without a witness or if one of these
            coordinates or x was shadowed before

slope       {"times": m, "less": c, "unit": unit proof of m·∂f/∂x − c·f}: so ∂f/∂x ≠ 0 where f = 0
witness     {"point": {name: value}, "interval": [a, b]}: at these values f (on the stratum) changes sign for x between a and b (or
            vanishes at a = b), there the listed polynomials are as they should, the signs hold, and a unit x does not meet 0
unit proof  see `theory.rlct.units`; everything there is meant on the stratum, read as it is or normalised

Branchings
----------
blow-up     {"branch": "blow-up", "weights": {name: w > 0}}; children {"node", "chart": x_i, "sign": ε, "small": [names]}. In
            every polynomial and relation x_i → ε·x_i^{w_i}, x_j → x_j·x_i^{w_j} (j ≠ i in the weights). factor of x_i: Σ w_j
            e_j, jacobian of x_i: Σ w_j (h_j + 1) − 1; the x_j become free, those in "small" (if given) small; x_i gets a
            sign if some coordinate of the weights has one. *Cover*: the coordinates of the weights are small. For every i of
            the weights, and for both ε if x_i has no sign and (w_i is even or some coordinate of the weights has a sign),
            else for ε = 1, there is a child; its "small" holds only directions that came earlier with all their signs
split       {"branch": "split", "on": q, "steps": [step]}; children {"node", "nonzero": q} and {"node", "zero": q}, in this
            order, q without small coordinates. Points with q ≠ 0: if q is a free coordinate, it becomes a unit and loses
            factor and jacobian, otherwise q joins `nonzero` (uncertain if q holds dependent quantities and its norm is 0).
            Points with q = 0: if q is a free coordinate, it becomes small (uncertain if it was shadowed). Otherwise the step
            is carried out: implicit, adjoin (a unit x with a sign joins `positive` before) or cover, with an f that on the
            stratum is q times a unit (its proof is "cofactor" in the step; adjoin has f = q); or straighten with coordinate q
            of a unit or free x: a unit x first joins `positive` or `nonzero` and is then treated as free, and the new x
            becomes small without sign (uncertain if x was shadowed)

A child with {"rename": {a: b}, "negate": [a]} is isomorphic to the `given` state of its node: coordinate a of the child is
coordinate b of the node, up to sign if a is in "negate" (these have no sign). Coordinates that occur in no polynomial and no
factor do not count.

Upper bound
-----------
upper_proof {"path": [[node, index of child], ...], "node": n, "at": "generic" | "origin", "point": {name: rational},
             "primal": {name: u}, "value", "multiplicity"}
The path leads from the root to node n (empty if n is the root), whose `result` is not uncertain: it has points, so λ is at most the
threshold at one of them. Rows: exponents + e of *all* terms of all generators of `result`, on the small coordinates
("generic": at points where no free coordinate is 0) or on the small and free ones ("origin": where all free ones are 0, none
of them shadowed). u ≥ 0 with u·row ≥ 1 for every row, value = Σ u_i (h_i + 1). With A = the rows with u·row = 1 and the unit
vectors with u_i = 0: the vector h + 1 lies in the span of A, and the multiplicity is at least 1 + n − rank A. The listed
polynomials, with the free coordinates set to 0 for "origin", must not be identically 0, and if `positive` is not empty then
"point" gives values (no dependent or shadowed quantities among them) at which all of them are as they should.
"""

from typing import Any

FORMAT = "threefold-rlct/1"


def tree(found: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes {"number", "label", "value", "leaf"} and edges {"from", "to", "label"} of a certificate, for drawing."""
    nodes, edges = [], []
    for node in found["nodes"]:
        generators = list(node["result"]["generators"].values())
        nodes.append(
            {
                "number": node["number"],
                "label": ", ".join(generators),
                "value": node["lower"]["value"],
                "leaf": "branch" not in node,
            }
        )
        for child in node.get("children", ()):
            edges.append({"from": node["number"], "to": child["node"], "label": _edge(child)})
    return nodes, edges


def _edge(child: dict[str, Any]) -> str:
    if "chart" in child:
        return f"chart {child['chart']}" + ("" if child["sign"] == 1 else " < 0")
    return f"{child['zero']} = 0" if "zero" in child else f"{child['nonzero']} != 0"
