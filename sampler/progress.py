"""A bar on stderr while chains run: draws done, draws a second, time left, R-hat of the loss so far.

Functions: `shown`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sampler.recorder import Recorder


@contextmanager
def shown(progress: Callable[[int, int], object] | bool | None, draws: int) -> Iterator[Callable[[Recorder], object]]:
    """What to call after each piece: a bar for True, `progress(draws done, draws)` for a function, nothing for None."""
    if progress is not True:
        tell = progress or (lambda done, draws: None)
        last = -1

        def once(recorder: Recorder) -> None:
            nonlocal last
            if recorder.draws > max(last, 0):
                last = recorder.draws
                tell(last, draws)

        yield once
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("draws"),
        TextColumn("{task.fields[speed]}"), TimeRemainingColumn(), TextColumn("{task.fields[rhat]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("burn-in", total=draws, speed="", rhat="")

        def show(recorder: Recorder) -> None:
            elapsed = bar.tasks[task].elapsed or 0.0
            speed = f"{recorder.draws / elapsed:.0f}/s" if elapsed and recorder.draws else ""
            what = "sampling" if recorder.draws else "burn-in"
            rhat = f"R-hat {recorder.rhat():.3f}" if recorder.draws else ""
            bar.update(task, completed=recorder.draws, description=what, speed=speed, rhat=rhat)

        yield show
