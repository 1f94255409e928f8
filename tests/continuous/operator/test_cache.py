"""What is known of the cluster: the newest state of each object, and nothing that is gone."""

from __future__ import annotations

from dataclasses import replace

from reconciler.continuous.operator.cache import Cache
from tests.continuous.operator.objects_for_tests import make_webhook


def test_an_older_version_is_ignored_and_an_equal_one_is_no_change() -> None:
    cache, item = Cache(), make_webhook("a", version="10")
    assert cache.put(item)
    assert not cache.put(replace(item, version="9", spec={"url": "https://old.example.com"}))
    assert cache.find(item.key) is item
    assert not cache.put(replace(item, version="11", status={"host": "x"}))
    assert cache.put(replace(item, version="12", is_deleting=True))


def test_an_object_of_the_same_name_made_anew_has_any_version() -> None:
    cache, item = Cache(), make_webhook("a", version="10")
    cache.put(item)
    assert cache.put(replace(item, uid="new", version="2"))
    assert not cache.remove(item.key, item.uid)
    assert cache.remove(item.key, "new")
    assert cache.list_namespaces() == []


def test_a_listing_removes_only_what_was_known_before_it_began() -> None:
    cache = Cache()
    old, kept, late = (make_webhook(name) for name in ("old", "kept", "late"))
    cache.put(old)
    cache.put(kept)
    before = frozenset({old.uid, kept.uid})
    cache.put(late)  # an event that came while the listing was under way
    assert cache.replace_kind("Webhook", [kept], before) == [old]
    assert [each.name for each in cache.list_kind("Webhook")] == ["kept", "late"]


def test_objects_are_found_by_namespace_and_kind() -> None:
    cache = Cache()
    for namespace in ("b", "a"):
        cache.put(make_webhook("w", namespace))
    assert cache.list_namespaces() == ["a", "b"]
    assert cache.has_kind("a", "Webhook")
    assert not cache.has_kind("a", "Policy")
    assert [each.namespace for each in cache.list_kind("Webhook")] == ["a", "b"]
