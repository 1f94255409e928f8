"""A tenant that is killed in the middle of its deliveries, again and again: nothing is lost, and
little is sent twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.deliveries import killed


@pytest.mark.long
def test_kills_lose_nothing_and_send_at_most_twice_what_was_under_way(tmp_path: Path) -> None:
    lost, twice, under_way = killed(tmp_path, kills=4, total=200)
    assert lost == 0
    assert twice <= under_way
