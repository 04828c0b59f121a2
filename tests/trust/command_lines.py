"""Random command lines: good words and spoilt ones, options that are missing, repeated, unknown or without their value.

Reading order: `one_of`, `number`, `spoilt`, `COMMANDS`, `line`; `BROKEN`, the contents of files that are no reports.
"""

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from tests.trust.texts import HOSTILE, expression, loss, text

Word = Callable[[random.Random], str]


def one_of(*words: str) -> Word:
    return lambda rng: rng.choice(words)


def number(*good: str) -> Word:
    """A value in its range seven times out of eight, else what no number is, or one out of range."""
    bad = (
        "-1",
        "-0.5",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "x",
        "",
        "1.5.2",
        "١",
        "99999999999999999999",
        "0x1",
        "1e-400",
        "--json",
    )
    return lambda rng: rng.choice(good if rng.random() < 0.88 else bad)


def spoilt(word: Word, rate: float = 0.12) -> Word:
    return lambda rng: text(rng) if rng.random() < rate else word(rng)


def small(rng: random.Random) -> str:
    return expression(rng, 2, ("x", "y"))


NAMES_GIVEN = spoilt(one_of(*["x,y"] * 8, "x, y", "x", "y,x"), 0.04)
LOSS = spoilt(loss)
SMALL = spoilt(small)
POINT = spoilt(one_of("0,0", "0", "1/2,0", "0,0,0", "nan,0"), 0.2)
PRIOR = spoilt(one_of("1", "exp(-x**2)", "0", "-1", "x", "1 + x**2"), 0.2)
FILE = one_of(
    "-",
    "-",
    "-",
    "-",
    "-",
    "-",
    "/nowhere/at/all.json",
    "/",
    "",
    "/dev/null/x",
    "a" * 300,
    "/proc/version",
    "/dev/fd/99",
)
BROKEN = (
    "",
    "{",
    "[]",
    "null",
    "0",
    '{"claims": 3}',
    '{"claims": [1]}',
    '{"claims": [{}]}',
    '{"claims": [{"id": []}]}',
)
BROKEN += (
    '{"claims": [{"id": "a", "verdict": 3}]}',
    '{"claims": [], "environment": 3}',
    "[" * 5000,
    '{"claims": {"a": 1}}',
)
BROKEN += (
    '{"claims": [{"id": "a", "verdict": "holds", "derived": 3}]}',
    '{"claims": [{"id": null, "verdict": null}]}',
    "\xff",
)
BROKEN += (json.dumps({"claims": [{"id": "a", "verdict": "holds", "sampled": {"status": "holds", "z": "x"}}]}),)
BROKEN += (json.dumps({"claims": [{"id": "a", "verdict": "holds", "enclosed": {"status": 1, "digits": [2]}}]}),)
A_HELD = '{"claims": [{"id": "a", "verdict": "holds", "enclosed": {"status": "holds", "digits": %s}}]}'
BROKEN += (A_HELD % "20", A_HELD % "NaN", A_HELD % ("9" * 400), A_HELD % "1e999", A_HELD % '"x"', A_HELD % "true")
BROKEN += (
    '{"claims": [{"id": "a", "verdict": "holds"}], "environment": [1]}',
    '{"claims": []}',
    '{"claims": [], "summary": 1}',
)


class Command(NamedTuple):
    """positional words; options that a good line has; options that it may have; how often it is drawn."""

    name: str
    words: tuple[Word, ...]
    needed: dict[str, Word]
    free: dict[str, Word | None]
    weight: int = 4


COMMANDS = (
    Command("laplace", (LOSS,), {"--observable": SMALL, "--vars": NAMES_GIVEN, "--order": number("0", "1", "2")},
            {"--at": POINT, "--prior": PRIOR, "--json": FILE}),
    Command("integrate", (spoilt(loss, 0.5),), {"--observable": SMALL, "--vars": NAMES_GIVEN, "--t": number("1", "10", "1/2", "0")},
            {"--prior": PRIOR, "--domain": spoilt(one_of("0,1;0,1", "-oo,oo;0,1", "1,0;0,1", "0,1", ";", "0,oo;0,oo")),
             "--digits": number("5", "10"), "--json": FILE}, 2),
    Command("rlct", (spoilt(one_of("x**2*y**4", "(y**2-x**3)**2", "x**2+y**2", "0", "1", "-x**2", "x*y", "(x+y)**2*x**2")),),
            {"--vars": NAMES_GIVEN, "--time-limit": number("0", "1", "1")},
            {"--ideal": None, "--at": POINT, "--prior": PRIOR, "--domain": one_of("real", "box", "nonnegative", "none", "sphere"),
             "--no-check": None, "--json": FILE, "--draw": one_of("/nowhere/a.svg", "-")}, 2),
    Command("graphs", (), {"--marked": number("0", "1", "2"), "--order": number("1", "2")},
            {"--prior": None, "--vanishing": one_of("1:1", "2:1", "0:0", "9:9", "x", "1:", ":1", "1:-1", "nan:1", "1:1:1"),
             "--svg": one_of("/nowhere/a.svg", "-"), "--json": FILE}),
    # The heavy commands: a required word is always spoilt, so that most lines are refused before the work.
    Command("check", (one_of(*HOSTILE[:60]),), {"--observable": SMALL, "--vars": NAMES_GIVEN},
            {"--perturbation": SMALL, "--at": POINT, "--budget": one_of("quick", "fast", ""), "--json": FILE}),
    Command("sample", (one_of(*HOSTILE[:60]),), {"--vars": NAMES_GIVEN, "--nbeta": number("1", "100", "0")},
            {"--observable": SMALL, "--gamma": number("0", "1"), "--at": POINT, "--kernel": one_of("sgld", "nuts", "hmc"),
             "--epsilon": number("0.1", "0", "1e9"), "--chains": number("1", "2"), "--draws": number("4", "8"),
             "--burn-in": number("0"), "--thin": number("1"), "--seed": number("0", "7"), "--checkpoint": FILE, "--out": FILE,
             "--plot": FILE, "--json": FILE}),
    Command("verify", (one_of("eq 999", "lem", "", "eq", "Lem 2x5", "zzz", "  "),), {},
            {"--list": None, "--layer": one_of("derived", "sampled", "guessed", ""), "--budget": one_of("quick", "slow"),
             "--no-network": None, "--json": FILE, "--html": FILE}),
    Command("experiment", (one_of("nothing", "digits ", "", "../turing", "__init__", "experiment", "ünicode"),), {},
            {"--list": None, "--budget": one_of("quick", "huge"), "--out": FILE, "--json": FILE}),
    Command("compare", (lambda rng: f"BROKEN{rng.randrange(len(BROKEN))}", lambda rng: f"BROKEN{rng.randrange(len(BROKEN))}"),
            {}, {"--json": FILE}),
    Command("ising", (one_of("torus:0", "torus:", "free:2x", "wal", "torus:-1", "torus:1e3", "free:2x2x2", "torus:99999", "/", "",
                             "torus:٣", "torus:²", "free:x", "/dev/null", "BROKEN0", "BROKEN1", "a" * 300),),
            {"--beta": number("0.44", "11/25", "0", "-1")},
            {"--probe": one_of("0,0", "9,9", "-1,0", "x", "²,0", "1,1,1"), "--field": number("0", "1"), "--draws": number("4"),
             "--chain": one_of("clusters", "gibbs"), "--chains": number("1"), "--exact": None, "--json": FILE}),
    Command("", (one_of("", "laplase", "--version", "--help", "-", "--", "help", "é", "--json"),), {}, {"--help": None}, 1),
)  # fmt: skip


def line(rng: random.Random) -> list[str]:
    """An argument vector: now and then an option is missing, repeated, unknown, or without its value."""
    command = rng.choices(COMMANDS, [each.weight for each in COMMANDS])[0]
    # `verify` without a word is no mistake: it runs everything.
    words = [word(rng) for word in command.words if command.name == "verify" or rng.random() > 0.04]
    options = [(name, word) for name, word in command.needed.items() if rng.random() > 0.04]
    options += [(name, word) for name, word in command.free.items() if rng.random() < 1.2 / (1 + len(command.free))]
    if options and rng.random() < 0.08:
        options.append(rng.choice(options))
    parts = [[name] if word is None else [name, word(rng)] for name, word in options]
    if rng.random() < 0.05:
        parts.append([rng.choice(["--colour", "-q", "--js", "--vars=", "--order=", "--help", "--json"])])
    rng.shuffle(parts)
    if words and rng.random() < 0.7:
        words = ["--", *words] if rng.random() < 0.3 else words
        return [command.name, *(part for pair in parts for part in pair), *words]
    return [command.name, *words, *(part for pair in parts for part in pair)]
