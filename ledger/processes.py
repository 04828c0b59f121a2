"""Tasks shared by a few processes, neighbours by the same one.

The tasks lie in a row. The processes work on it in pairs, one from each end of a stretch: neighbours, which share what they
remember (compiled chains, integrals), mostly meet the same process, and the two finish together though nobody knows how long a task
takes. A pair that has met goes on with the longest stretch that is left.

Each process reads its tasks from a pipe of its own, so that it ends when the process that started it does, however that one ends.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from typing import Any


class Lost(Exception):
    """A process ended, killed from outside, before it had answered."""


def share(tasks: Sequence[Callable[[], Any]], jobs: int) -> Iterator[tuple[int, Any]]:
    """(number of the task, its result), in the order in which they are finished, from `jobs` new processes.

    The tasks must be picklable. An exception that a task raises is its result; so is `Lost` where its process was killed, which
    is then replaced.
    """
    stretches = _cut(range(len(tasks)), -(-jobs // 2))
    at_work: dict[Connection, tuple[int, int]] = {}  # pipe -> process, task
    workers: dict[Connection, Any] = {}

    def give(process: int, pipe: Connection | None = None) -> None:
        """The next task of this process, through its pipe or that of a new one."""
        stretch = stretches[process // 2] or max(stretches, key=len)
        if not stretch:
            return
        number = stretch.pop() if process % 2 else stretch.popleft()
        if pipe is None or not _sent(pipe, tasks[number]):
            pipe, worker = _start()
            workers[pipe] = worker
            pipe.send(tasks[number])
        at_work[pipe] = process, number

    try:
        for process in range(jobs):
            give(process)
        while at_work:
            for pipe in wait(list(at_work)):
                assert isinstance(pipe, Connection)
                process, number = at_work.pop(pipe)
                try:
                    result = pipe.recv()
                except (EOFError, OSError):
                    result, pipe = Lost("its process was ended from outside"), None
                give(process, pipe)
                yield number, result
    finally:
        for worker in workers.values():
            worker.terminate()
        for worker in workers.values():
            worker.join()


def _cut(row: range, parts: int) -> list[deque[int]]:
    """The row in so many stretches of nearly one length."""
    ends = [len(row) * k // parts for k in range(parts + 1)]
    return [deque(row[begin:end]) for begin, end in pairwise(ends)]


def _start() -> tuple[Connection, Any]:
    """A new interpreter that inherits nothing: jax does not survive a fork. Linear algebra keeps to one thread of it.

    OpenBLAS would start as many as there are cores in every process, which wait for one another in busy loops. It reads its
    environment when numpy is imported.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    worker = context.Process(target=_serve, args=(there,), daemon=True)
    worker.start()
    there.close()
    return here, worker


def _sent(pipe: Connection, task: Callable[[], Any]) -> bool:
    """Whether the process at the other end was there to take it."""
    try:
        pipe.send(task)
    except OSError:
        return False
    return True


def _serve(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that shares decides when to stop
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            result = task()
        except Exception as problem:
            result = problem
        try:
            pipe.send(result)
        except OSError:
            return
        except Exception as problem:  # a result that cannot be pickled
            pipe.send(RuntimeError(str(problem)))


__all__ = ["Lost", "share"]
