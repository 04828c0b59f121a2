"""Ways to tamper with a certificate: each changes a claim or breaks a proof, by the argument written beside it.

A tampering takes the data of a certificate and a generator of random numbers, and changes the data in place; where there is nothing
of the kind to tamper with it raises IndexError or StopIteration.
"""

from fractions import Fraction


def up(text, by=Fraction(1, 7)):
    return str(Fraction(text) + by)


def nodes_with(data, wanted):
    return [n for n in data["nodes"] if wanted(n)]


def proofs(data):
    if isinstance(data, dict):
        if "rule" in data:
            yield data
        for item in data.values():
            yield from proofs(item)
    elif isinstance(data, list):
        for item in data:
            yield from proofs(item)


def leaves(data):
    return nodes_with(data, lambda n: "branch" not in n)


def raise_bounds(data, rng):
    """Both bounds above λ: false, since the original, accepted elsewhere, pins λ down."""
    for key in ("lower", "upper"):
        data[key]["value"] = up(data[key]["value"])


def lower_bounds(data, rng):
    """Both bounds below λ: false for the same reason."""
    for key in ("lower", "upper"):
        data[key]["value"] = up(data[key]["value"], Fraction(-1, 97))


def other_multiplicity(data, rng):
    """Another m with the same λ: false for the same reason."""
    m = data["lower"]["multiplicity"] + 1
    for key in ("lower", "upper"):
        data[key]["multiplicity"] = m


def not_exact(data, rng):
    """`exact` says whether the bounds agree, and they do."""
    data["exact"] = False


def other_power(data, rng):
    """Another power means another K."""
    data["power"] = 3 - data["power"] if rng.random() < 0.5 else 4


def other_generator(data, rng):
    """A generator at the top that is not that of the root (its first exponent or name is changed)."""
    i = rng.choice(sorted(data["generators"]))
    data["generators"][i] += f" + {rng.randint(1, 9)}*{rng.choice(data['variables'])}**{rng.randint(17, 40)}"


def other_root(data, rng):
    """K is no longer Σ w_j r_j²."""
    k = rng.randrange(len(data["relation"]["roots"]))
    data["relation"]["roots"][k] += f" + {rng.choice(data['variables'])}**{rng.randint(17, 40)}"


def other_weight(data, rng):
    """K is no longer Σ w_j r_j²."""
    data["relation"]["weights"][0] = str(rng.randint(2, 9))


def other_point(data, rng):
    """The point is not the caller's."""
    data["point"][rng.choice(data["variables"])] = rng.choice(["1", "-1/3", "sqrt(2)"])


def drop_node(data, rng):
    """A node that is a child (or the root) is missing."""
    data["nodes"].pop(rng.randrange(len(data["nodes"])))


def drop_child(data, rng):
    """A branching with a chart or a case left out does not cover."""
    rng.choice(nodes_with(data, lambda n: "branch" in n))["children"].pop(0)


def drop_last_child(data, rng):
    """Likewise."""
    rng.choice(nodes_with(data, lambda n: "branch" in n))["children"].pop()


def twist_child(data, rng):
    """A child whose node is another one, with another function: its `given` has other generators or another factor."""
    child = rng.choice(rng.choice(nodes_with(data, lambda n: "branch" in n))["children"])
    given = {n["number"]: n["given"] for n in data["nodes"]}
    here = given[child["node"]]
    others = [n for n, g in given.items() if degrees(g) != degrees(here)]
    child["node"] = rng.choice(others)


def degrees(state):
    """Unchanged by renaming and signs: the exponents of the jacobian and the factor, the kinds, the lengths of the texts."""
    return (
        sorted(map(str, state["factor"].values())),
        sorted(v for n, v in state["jacobian"].items()),
        sorted(len(p.replace("-", "+").split("+")) for p in state["generators"].values()),
    )


def cycle(data, rng):
    """A child that is the node itself."""
    node = rng.choice(nodes_with(data, lambda n: "branch" in n))
    rng.choice(node["children"])["node"] = node["number"]


def drop_step(data, rng):
    """A step that changes kinds, generators or factor is left out (`restrict` is not among them)."""
    node = rng.choice(nodes_with(data, lambda n: any(s["step"] in CHANGING for s in n["steps"])))
    k = rng.choice([k for k, s in enumerate(node["steps"]) if s["step"] in CHANGING])
    del node["steps"][k]


CHANGING = ("prune", "extract", "promote", "drop", "spread")


def other_exponents(data, rng):
    """A monomial of another degree is extracted."""
    steps = [s for n in data["nodes"] for s in n["steps"] if s["step"] == "extract"]
    v = rng.choice(steps)["exponents"]
    v[rng.randrange(len(data["variables"]))] += 1


def other_coordinate(data, rng):
    """The new coordinate is not a·x + b any more."""
    steps = [s for s in all_steps(data) if s["step"] == "straighten"]
    step = rng.choice(steps)
    step[rng.choice(["a", "b", "coordinate"])] += f" + {step['variable']}**3"


def all_steps(data):
    return [s for n in data["nodes"] for s in [*n["steps"], *n.get("branch", {}).get("steps", [])]]


def other_divisor(data, rng):
    """A divisor with another term does not divide (a unit times the old one would have to be a number)."""
    step = rng.choice([s for s in all_steps(data) if s["step"] == "divide"])
    step["by"] += " + 1009*" + "*".join(f"{n}**11" for n in data["variables"])


def no_weights(data, rng):
    """The weights of a pruned term no longer add up to 1."""
    step = rng.choice([s for s in all_steps(data) if s["step"] == "prune"])
    weights = rng.choice(step["terms"])[1]
    j = rng.choice(sorted(weights))
    weights[j] = up(weights[j])


def other_term(data, rng):
    """A pruned term that does not occur."""
    step = rng.choice([s for s in all_steps(data) if s["step"] == "prune"])
    rng.choice(step["terms"])[0][0] += 50


def wrong_sign(data, rng):
    """A proof that claims the other sign."""
    proof = rng.choice([p for p in proofs(data) if "sign" in p])
    proof["sign"] = -proof["sign"]


def weak_proof(data, rng):
    """Sturm's theorem and discriminants are used on polynomials that are no constants."""
    found = [p for p in proofs(data) if p["rule"] in ("sturm", "discriminant")]
    proof = rng.choice(found)
    proof.clear()
    proof.update({"rule": "constant"})


def unknown_rule(data, rng):
    """A rule that does not exist proves nothing."""
    rng.choice(list(proofs(data["nodes"])))["rule"] = "obvious"


def no_slope(data, rng):
    """0·∂f/∂x − 0·f is no unit."""
    step = rng.choice([s for s in all_steps(data) if s["step"] in ("implicit", "cover")])
    step["proof"]["times"] = step["proof"]["less"] = "0"


def no_zero(data, rng):
    """The ends of an interval with a change of sign are no zeros."""
    found = [s["witness"]["interval"] for s in all_steps(data) if "witness" in s]
    ends = rng.choice([i for i in found if i[0] != i[1]])
    ends[0] = ends[1]


def other_kind(data, rng):
    """A coordinate of another kind before the steps: the parents' states, or the problem, do not have it."""
    given = rng.choice(nodes_with(data, lambda n: used_names(n["given"])))["given"]
    name = rng.choice(used_names(given))
    given["kind"][name] = rng.choice([k for k in ("small", "free", "unit") if k != given["kind"][name]])


def used_names(state):
    text = " ".join([*state["generators"].values(), *state["factor"]])
    return [n for n in state["kind"] if n in text and n not in state["roots"]]


def other_jacobian(data, rng):
    """The measure of the result is another one than that before the steps (no step here has this effect)."""
    result = rng.choice(leaves(data))["result"]
    name = rng.choice([n for n, k in result["kind"].items() if k == "small"])
    result["jacobian"][name] = up(result["jacobian"].get(name, "0"), Fraction(rng.randint(1, 3)))


def other_factor(data, rng):
    """The function of the result is another one."""
    result = rng.choice(leaves(data))["result"]
    name = rng.choice([n for n, k in result["kind"].items() if k == "small"])
    result["factor"][name] = result["factor"].get(name, 0) + rng.randint(1, 3)


def other_sign(data, rng):
    """A restriction more than the parents' states, or the problem, have."""
    states = [n["given"] for n in data["nodes"]]
    state = rng.choice([s for s in states if set(used_names(s)) - set(s["sign"])])
    state["sign"].append(rng.choice(sorted(set(used_names(state)) - set(state["sign"]))))


def other_weight_of_blow_up(data, rng):
    """Other charts have other exponents than the children."""
    weights = rng.choice(
        [n["branch"]["weights"] for n in data["nodes"] if n.get("branch", {}).get("branch") == "blow-up"]
    )
    weights[rng.choice(sorted(weights))] += 1


def smaller_chart(data, rng):
    """The first chart leaves out a direction; no other came earlier."""
    node = rng.choice(nodes_with(data, lambda n: n.get("branch", {}).get("branch") == "blow-up"))
    first = node["children"][0]
    first["small"] = [next(n for n in sorted(node["branch"]["weights"]) if n != first["chart"])]


def other_bound(data, rng):
    """The bound of a leaf is not the sum of its dual weights any more."""
    lower = rng.choice([n["lower"] for n in leaves(data) if n["lower"]["value"] != "infinite"])
    lower["value"] = up(lower["value"])


def other_dual(data, rng):
    """The dual weights, and their sum with them, are more than the optimum: the primal of the original shows it."""
    node = next(n for n in data["nodes"] if n["number"] == data["upper_proof"]["node"])
    lower = node["lower"]
    if "branch" in node or lower["value"] != data["upper_proof"]["value"]:
        return other_bound(data, rng)
    for j, y in lower["dual"].items():
        lower["dual"][j] = str(Fraction(y) * Fraction(9, 8))
    lower["value"] = str(Fraction(lower["value"]) * Fraction(9, 8))
    return None


def other_leaf_multiplicity(data, rng):
    """The multiplicity of a leaf is not 1 + n − rank any more."""
    lower = rng.choice([n["lower"] for n in leaves(data) if n["lower"]["value"] not in ("infinite", "0")])
    lower["multiplicity"] += rng.choice([1, 2])


def other_primal(data, rng):
    """Smaller primal weights with a smaller value: were they feasible, λ would be smaller than it is."""
    proof = data["upper_proof"]
    proof["primal"] = {n: str(Fraction(u) * Fraction(8, 9)) for n, u in proof["primal"].items()}
    proof["value"] = str(Fraction(proof["value"]) * Fraction(8, 9))


def other_path(data, rng):
    """The path ends at another node than it says, or is longer than the tree allows."""
    proof = data["upper_proof"]
    proof["path"] = proof["path"][:-1] if proof["path"] else [[data["root"], 99]]


def other_end(data, rng):
    """Likewise."""
    data["upper_proof"]["node"] += 1


def no_upper_proof(data, rng):
    """An upper bound without proof."""
    del data["upper_proof"]


def never_shadowed(data, rng):
    """A coordinate that is shadowed is said not to be. (It matters if it occurs and is not small.)"""
    rng.choice([n["given"] for n in data["nodes"] if in_shadow(n["given"])])["shadowed"] = []


def in_shadow(state):
    return [n for n in used_names(state) if n in state["shadowed"] and state["kind"][n] != "small"]


TAMPERINGS = [
    raise_bounds,
    lower_bounds,
    other_multiplicity,
    not_exact,
    other_power,
    other_generator,
    other_root,
    other_weight,
    other_point,
    drop_node,
    drop_child,
    drop_last_child,
    twist_child,
    cycle,
    drop_step,
    other_exponents,
    other_coordinate,
    other_divisor,
    no_weights,
    other_term,
    wrong_sign,
    weak_proof,
    unknown_rule,
    no_slope,
    no_zero,
    other_kind,
    other_jacobian,
    other_factor,
    other_sign,
    other_weight_of_blow_up,
    smaller_chart,
    other_bound,
    other_dual,
    other_leaf_multiplicity,
    other_primal,
    other_path,
    other_end,
    no_upper_proof,
    never_shadowed,
]
