"""The names of variables, and points with rational coordinates."""

import pytest
import sympy as sp

from theory.errors import BadInput
from theory.expression import parse_point, parse_variables

X, Y = VARIABLES = parse_variables("x,y")


def test_variables_are_real_symbols():
    names = parse_variables(" x, w_1 ,Theta")
    assert [symbol.name for symbol in names] == ["x", "w_1", "Theta"]
    assert all(symbol.is_real for symbol in names)


def not_a_name(text: str) -> str:
    return f'the variables need names such as x or w_1, separated by commas; "{text}" is not a name'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x,x", 'the variable "x" is listed twice; name each variable once'),
        ("sin", 'the variable "sin" has the name of a function; choose another name'),
        ("x,pi", 'the variable "pi" has the name of a constant; choose another name'),
        ("e", 'the variable "e" has the name of a constant; choose another name'),
        ("w" * 101, not_a_name("w" * 39 + "…")),
        ("x;" + "y" * 38, not_a_name("x;" + "y" * 38)),
        ("x;" + "y" * 39, not_a_name("x;" + "y" * 37 + "…")),
        ("x,,y", not_a_name("")),
        ("x\x00y", not_a_name("x y")),
    ]
    + [(text, not_a_name(text)) for text in ("1x", "", "x y", "ж", "x;import os")],
)
def test_bad_variables(text, says):
    with pytest.raises(BadInput) as caught:
        parse_variables(text)
    assert str(caught.value) == says


def test_a_name_has_at_most_a_hundred_letters():
    assert parse_variables("w" * 100)[0].name == "w" * 100


def test_a_point_is_rational():
    assert parse_point("-0.5, 1/3", VARIABLES) == {X: sp.Rational(-1, 2), Y: sp.Rational(1, 3)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0", 'the point "0" has 1 coordinate for 2 variables; give one rational number for each of x,y'),
        ("0,1," + "2" * 37, f'the point "0,1,{"2" * 35}…" has 3 coordinates for 2 variables; '
         "give one rational number for each of x,y"),
        ("0,pi", 'the coordinate y = "pi" is not rational; write it like 1/2'),
        ("0,pi*" + "2" * 38, f'the coordinate y = "pi*{"2" * 36}…" is not rational; write it like 1/2'),
        ("0,", "the coordinate y is empty; write an expression such as x**2/2 + x**4"),
    ],
)  # fmt: skip
def test_bad_points(text, says):
    with pytest.raises(BadInput) as caught:
        parse_point(text, VARIABLES)
    assert str(caught.value) == says


def test_the_names_of_variables_are_unknown_in_a_point():
    with pytest.raises(BadInput, match=r'the coordinate y "x" cannot be read at column 1: the name "x" is unknown'):
        parse_point("0,x", VARIABLES)
