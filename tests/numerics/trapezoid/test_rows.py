"""Live rows and runs of the grid: against a list of all points."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from numerics.errors import NotCertified
from numerics.trapezoid.boxes import Boxes
from numerics.trapezoid.rows import GAP, Rows, _joined, cells_of, live_rows, runs

H = np.array([0.5, 0.25, 0.75])


@st.composite
def some_boxes(draw, d):
    count = draw(st.integers(1, 6))
    numbers = st.floats(-4, 4, allow_subnormal=False)
    centres = [[draw(numbers) for _ in range(d)] for _ in range(count)]
    radii = [[draw(st.floats(0.01, 1.5)) for _ in range(d)] for _ in range(count)]
    return Boxes(np.array(centres), np.array(radii))


@pytest.mark.parametrize("d", [1, 2, 3])
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_rows_hold_the_points_of_the_boxes_once(d, data):
    boxes, h = data.draw(some_boxes(d)), H[:d]
    cells = cells_of(live_rows(boxes, h, 10**6)).tolist()
    assert len(cells) == len(set(map(tuple, cells)))
    near = np.stack(np.meshgrid(*[np.arange(-23, 24)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    inside = (np.abs(near[:, None] * h - boxes.centres) <= boxes.radii).all(axis=2).any(axis=1)
    assert set(map(tuple, near[inside].tolist())) <= set(map(tuple, cells))
    widened = (np.abs(near[:, None] * h - boxes.centres) <= boxes.radii + 1e-5).all(axis=2).any(axis=1)
    assert set(map(tuple, cells)) <= set(map(tuple, near[widened].tolist()))


def test_distant_boxes_cost_their_own_volume():
    boxes = Boxes(np.array([[-1e6, 0.0], [1e6, 0.0]]), np.ones((2, 2)))
    rows = live_rows(boxes, H[:2], 10**4)
    assert int((rows.last - rows.first + 1).sum()) == 2 * 5 * 9
    boxes = Boxes(np.array([[0.0, -1e6], [0.0, 1e6]]), np.ones((2, 2)))
    assert int(np.diff([rows.first, rows.last], axis=0).sum()) == 2 * 5 * 8
    assert len(live_rows(boxes, H[:2], 10**4).first) == 10


def test_too_many_cells_are_refused():
    boxes = Boxes(np.zeros((1, 3)), np.full((1, 3), 100.0))
    with pytest.raises(NotCertified, match="live cells"):
        live_rows(boxes, H, 10**6)
    with pytest.raises(NotCertified, match="range of indices"):
        live_rows(Boxes(np.array([[1e300, 0.0, 0.0]]), np.ones((1, 3))), H, 10**6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 25)), min_size=1, max_size=5), st.data())
def test_runs_and_the_rest_are_all_cells(spans, data):
    first = np.array([a for a, _ in spans])
    rows = Rows(np.arange(len(spans))[:, None], first, first + np.array([n for _, n in spans]))
    cells = cells_of(rows)
    below = np.array(
        data.draw(st.lists(st.sampled_from([0.0, 1.0, 9.0, 10.0]), min_size=len(cells), max_size=len(cells)))
    )
    summed, least, left_out = runs(rows, below, 5.0)
    kept = {tuple(cell) for cell in cells_of(summed).tolist()} if len(least) else set()
    values = dict(zip(map(tuple, cells.tolist()), below.tolist(), strict=True))
    assert {cell for cell, value in values.items() if value <= 5} <= kept <= set(values)
    assert sorted(left_out.tolist()) == sorted(value for cell, value in values.items() if cell not in kept)
    for k, a, b, low in zip(summed.outer[:, 0], summed.first, summed.last, least, strict=True):
        run = [values[int(k), i] for i in range(int(a), int(b) + 1)]
        assert low == min(run)
        assert max((len(s) for s in "".join("." if v <= 5 else "x" for v in run).split(".")), default=0) <= GAP


def test_batches_are_a_partition():
    rows = Rows(np.arange(50)[:, None], np.zeros(50, dtype=int), np.arange(50))
    parts = list(rows.batches(100))
    ends = np.cumsum([len(cells_of(part)) for part in parts])
    for end, part in zip(ends[:-1], parts[:-1], strict=True):  # a batch ends with the row that passes a multiple of 100
        assert end // 100 > (end - len(cells_of(part.take(slice(-1, None)))) - 1) // 100
    assert ends[-1] == 50 * 51 // 2
    assert np.concatenate([part.last for part in parts]).tolist() == rows.last.tolist()
    assert len(parts) > 5


def test_rows_of_three_outer_coordinates_are_kept_apart():
    """Every row of a 3 × 4 × 5 pattern with its own interval twice: one interval each, negative indices too."""
    outer = np.array([(i - 1, 2 * j, k - 7) for i in range(3) for j in range(4) for k in range(5)])
    first = np.arange(len(outer)) % 7 - 3
    order = np.random.default_rng(0).permutation(2 * len(outer))
    rows = _joined(np.tile(outer, (2, 1))[order], np.tile(first, 2)[order], np.tile(first + 2, 2)[order])
    found = {(*row, a, b) for row, a, b in zip(map(tuple, rows.outer.tolist()), rows.first, rows.last, strict=True)}
    assert found == {(*row, a, a + 2) for row, a in zip(map(tuple, outer.tolist()), first, strict=True)}
    assert len(rows.first) == len(outer)


def test_intervals_that_touch_are_joined_and_those_with_a_gap_are_not():
    """[0, 2] and [3, 5] become one, [7, 8] is another; one inside another leaves the longer; the next row starts afresh."""
    spans = [(0, 0, 2), (0, 3, 5), (0, 7, 8), (1, 4, 9), (1, 5, 6), (1, 8, 12), (2, -5, -5)]
    for turn in range(len(spans)):
        turned = spans[turn:] + spans[:turn]
        rows = _joined(
            *(
                np.array(part)
                for part in ([[k] for k, _, _ in turned], [a for _, a, _ in turned], [b for *_, b in turned])
            )
        )
        found = list(zip(rows.outer[:, 0].tolist(), rows.first.tolist(), rows.last.tolist(), strict=True))
        assert found == [(0, 0, 5), (0, 7, 8), (1, 4, 12), (2, -5, -5)]
    assert len(_joined(np.zeros((0, 2), dtype=int), np.zeros(0, dtype=int), np.zeros(0, dtype=int)).first) == 0
