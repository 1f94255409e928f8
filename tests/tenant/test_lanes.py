"""Who may send next: round-robin, limits in all, a webhook and a place, and what endpoints that
hang may take.
"""

from __future__ import annotations

from collections import Counter

import pytest

from reconciler.tenant.schedule.lanes import Facts, LaneChange, Lanes, Pick, Rank

NOW = 1000.0


def lanes_of(
    *names: str, place: str | None = None, unreached: int = 0, proven: bool = False
) -> Lanes:
    """Lanes that are due, each at a place of its own unless one is named."""
    lanes = Lanes()
    add(lanes, *names, place=place, unreached=unreached, proven=proven)
    return lanes


def add(
    lanes: Lanes, *names: str, place: str | None = None, unreached: int = 0, proven: bool = False
) -> None:
    for name in names:
        here = place or f"{name}:443"
        if proven:  # by an attempt that was answered, before everything else
            lanes.set_facts(name, Facts(here, 0.0))
            [pick] = lanes.take(0.0)
            lanes.end(pick, LaneChange(None, 0.0, 0), answered=True)
        lanes.set_facts(name, Facts(here, NOW, 0.0, unreached))


def numbered(count: int, prefix: str = "w") -> list[str]:
    return [f"{prefix}{number:03}" for number in range(count)]


def take_all(lanes: Lanes, now: float = NOW) -> dict[str, int]:
    return {pick.webhook_id: pick.count for pick in lanes.take(now)}


def test_a_proven_webhook_has_four_attempts_at_once_and_another_one() -> None:
    lanes = lanes_of("good", proven=True)
    add(lanes, "new")
    assert take_all(lanes) == {"good": 4, "new": 1}
    assert take_all(lanes) == {}


def test_thirty_two_attempts_are_under_way_in_all_shared_evenly() -> None:
    lanes = lanes_of(*numbered(16), proven=True)
    assert take_all(lanes) == dict.fromkeys(numbered(16), 2)
    assert lanes.under_way == 32
    assert take_all(lanes) == {}


def test_a_place_has_eight_attempts_whatever_number_of_webhooks_it_has() -> None:
    lanes = lanes_of(*numbered(20), place="one:443", proven=True)
    add(lanes, "other", proven=True)
    picks = take_all(lanes)
    assert sum(count for name, count in picks.items() if name != "other") == 8
    assert picks["other"] == 4


def test_turns_go_round_so_that_no_webhook_is_skipped() -> None:
    lanes = lanes_of(*numbered(10), place="one:443", proven=True)
    sent: Counter[str] = Counter()
    for _ in range(100):
        for pick in lanes.take(NOW):
            sent[pick.webhook_id] += pick.count
            for _ in range(pick.count):
                lanes.end(pick, LaneChange(NOW, 0.0, 0), answered=True)
    assert max(sent.values()) - min(sent.values()) <= 1
    assert sum(sent.values()) == 800


def test_unproven_webhooks_together_leave_room_for_the_proven_ones() -> None:
    lanes = lanes_of("good", "better", proven=True)
    for name in ("good", "better"):
        lanes.set_facts(name, Facts(f"{name}:443", NOW + 1))
    add(lanes, *numbered(40, "hanging"))
    assert sum(take_all(lanes).values()) == 24
    assert take_all(lanes, NOW + 1) == {"good": 4, "better": 4}


def test_unproven_webhooks_hold_at_most_six_of_a_place_s_eight() -> None:
    lanes = lanes_of("good", place="one:443", proven=True)
    lanes.set_facts("good", Facts("one:443", NOW + 1))
    add(lanes, *numbered(10, "hanging"), place="one:443")
    assert sum(take_all(lanes).values()) == 6
    assert take_all(lanes, NOW + 1) == {"good": 2}


def test_dead_webhooks_hold_at_most_eight_places_one_probe_each() -> None:
    lanes = lanes_of(*numbered(20, "dead"), unreached=5)
    assert sorted(take_all(lanes).values()) == [1] * 8
    add(lanes, *numbered(30, "new"))
    assert sum(take_all(lanes).values()) == 24 - 8


def test_an_answer_of_any_kind_revives_a_webhook_and_none_makes_it_unproven() -> None:
    lanes = lanes_of("w", unreached=5)
    [pick] = lanes.take(NOW)
    assert pick.rank is Rank.DEAD
    lanes.end(pick, LaneChange(NOW, 0.0, 0), answered=True)
    [pick] = lanes.take(NOW)
    assert (pick.rank, pick.count) == (Rank.PROVEN, 4)
    lanes.end(pick, LaneChange(NOW, 0.0, 1), answered=False)
    assert lanes.take(NOW) == []  # three are still under way, and one may be
    lanes.give_back(pick, 3)
    [pick] = lanes.take(NOW)
    assert (pick.rank, pick.count) == (Rank.UNPROVEN, 1)
    lanes.end(pick, LaneChange(NOW, 0.0, 1), answered=None)
    assert [pick.rank for pick in lanes.take(NOW)] == [Rank.UNPROVEN]


def test_a_held_webhook_waits_and_says_until_when() -> None:
    lanes = Lanes()
    lanes.set_facts("w", Facts("w:443", NOW, NOW + 60))
    assert lanes.take(NOW + 59.9) == []
    assert lanes.find_next_time() == NOW + 60
    assert take_all(lanes, NOW + 60) == {"w": 1}


def test_what_becomes_due_earlier_is_sent_earlier() -> None:
    lanes = Lanes()
    lanes.set_facts("w", Facts("w:443", NOW + 3600))
    assert lanes.find_next_time() == NOW + 3600
    lanes.set_due("w", NOW + 1)
    assert lanes.find_next_time() == NOW + 1
    lanes.learn({"w": Facts("w:443", NOW + 3600)})  # read a moment before
    assert take_all(lanes, NOW + 1) == {"w": 1}


def test_a_webhook_that_may_not_send_is_forgotten_but_its_attempts_still_count() -> None:
    lanes = lanes_of("w", proven=True)
    [pick] = lanes.take(NOW)
    lanes.set_facts("w", None)
    assert lanes.under_way == 4
    lanes.set_facts("w", Facts("w:443", NOW))
    assert lanes.take(NOW) == []
    for _ in range(pick.count):
        lanes.end(pick, None, answered=True)
    assert (lanes.under_way, take_all(lanes)) == (0, {"w": 4})
    lanes.learn({}, webhook_ids=("w",))
    assert "w" in lanes  # its attempts are under way
    lanes.give_back(Pick("w", "w:443", Rank.PROVEN, 4), 4)
    lanes.learn({}, webhook_ids=("w",))
    assert "w" not in lanes


def test_another_place_has_to_prove_itself() -> None:
    lanes = lanes_of("w", proven=True)
    lanes.set_facts("w", Facts("elsewhere:443", NOW))
    assert [(pick.place, pick.count) for pick in lanes.take(NOW)] == [("elsewhere:443", 1)]


def test_ten_thousand_webhooks_that_hang_cost_the_others_no_turn_and_little_time() -> None:
    lanes = lanes_of(*numbered(10_000, "hanging"), place="one:443")
    assert sum(take_all(lanes).values()) == 6
    lanes.set_facts("good", Facts("two:443", NOW))
    for _ in range(1000):
        [pick] = lanes.take(NOW)
        assert pick.webhook_id == "good"
        for _ in range(pick.count):
            lanes.end(pick, LaneChange(NOW, 0.0, 0), answered=True)


@pytest.mark.parametrize("rank", list(Rank))
def test_every_rank_s_attempts_come_back_whole(rank: Rank) -> None:
    lanes = lanes_of(
        *numbered(3), unreached=5 if rank is Rank.DEAD else 0, proven=rank is Rank.PROVEN
    )
    for pick in lanes.take(NOW):
        assert pick.rank is rank
        lanes.give_back(pick, pick.count)
    assert lanes.under_way == 0


@pytest.mark.parametrize("most", [1, 3, 8, 32])
def test_small_portions_take_as_much_as_one_large_portion_and_no_webhook_loses_a_turn(
    most: int,
) -> None:
    lanes = lanes_of(*numbered(6), proven=True)
    found: Counter[str] = Counter()
    while picks := lanes.take(NOW, most):
        assert sum(pick.count for pick in picks) <= most
        for pick in picks:
            found[pick.webhook_id] += pick.count
    assert found == dict.fromkeys(numbered(6), 4)
    assert lanes.under_way == 24
