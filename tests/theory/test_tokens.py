"""Text cut into tokens, and how text is shown in a message."""

from theory.tokens import Token, clean, count, printable, tokens


def test_tokens() -> None:
    assert tokens(" 2.5*ab **@x ") == [
        Token("number", "2.5", 2),
        Token("*", "*", 5),
        Token("name", "ab", 6),
        Token("**", "**", 9),
        Token("unknown", "@", 11),
        Token("end", "", 13),
    ]


def test_what_is_shown_of_a_text() -> None:
    assert clean(" ab\x00\tc ", 6) == "ab  c" and clean("abcdef", 6) == "abcdef" and clean("abcdefg", 6) == "abcde…"
    assert printable("x\u200by\n") == "x y"
    assert [count(n, "name") for n in (0, 1, 2)] == ["0 names", "1 name", "2 names"]
