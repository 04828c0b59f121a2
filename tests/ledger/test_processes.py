"""Shared tasks: every one answered once, whatever happens to the processes."""

import os
import signal
import time
from functools import partial
from itertools import pairwise

import pytest

from ledger import processes


def square(n: int) -> int:
    return n * n


def who(_: int) -> int:
    """The process that answers, after a moment in which the others come too."""
    time.sleep(0.05)
    return os.getpid()


def dies() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def raises() -> None:
    raise ValueError("no")


def unsendable() -> object:
    return lambda: None


@pytest.mark.parametrize(("tasks", "jobs"), [(0, 2), (1, 2), (7, 2), (7, 3), (3, 5)])
def test_every_task_is_answered_once(tasks: int, jobs: int) -> None:
    found = list(processes.share([partial(square, n) for n in range(tasks)], jobs))
    assert sorted(found) == [(n, n * n) for n in range(tasks)]


def test_two_processes_meet_neighbours() -> None:
    found = dict(processes.share([partial(who, n) for n in range(12)], 2))
    row = [found[n] for n in range(12)]
    changes = sum(one != other for one, other in pairwise(row))
    assert len(set(row)) == 2 and changes == 1 and os.getpid() not in row


def test_failures_are_results_and_a_killed_process_is_replaced() -> None:
    tasks = [partial(square, 2), raises, dies, unsendable, partial(square, 3), dies, partial(square, 4)]
    found = dict(processes.share(tasks, 1))
    assert (found[0], found[4], found[6]) == (4, 9, 16)
    assert isinstance(found[1], ValueError) and isinstance(found[3], RuntimeError)
    assert isinstance(found[2], processes.Lost) and isinstance(found[5], processes.Lost)


def test_whoever_stops_listening_leaves_no_process() -> None:
    shared = processes.share([partial(who, n) for n in range(8)], 2)
    _, first = next(shared)
    shared.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
