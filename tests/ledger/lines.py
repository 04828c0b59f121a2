"""Command lines that a test types: refused in one line, or answered in JSON."""

import json

from ledger import cli


def refused(capsys, *arguments: str) -> str:
    """The one line on stderr with which these arguments are refused."""
    assert cli.main(arguments) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("threefold: ") and streams.err.endswith("\n") and streams.err.count("\n") == 1
    return streams.err


def answer(capsys, *arguments: str, code: int = 0):
    """What these arguments print on stdout, which is JSON and nothing else."""
    assert cli.main([*arguments, "--json", "-"]) == code
    return json.loads(capsys.readouterr().out)
