"""The table of checks: a coroutine for each promise, and when it applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from reconciler.providers.conformance.fault_checks import (
    a_copied_mark_is_found_twice,
    a_credential_stays_when_other_fields_change,
    a_cut_mark_is_unowned_and_a_warning,
    a_limit_is_waited_for,
    a_lost_answer_leaves_one_webhook,
    a_stored_credential_goes_nowhere_else,
    a_web_page_is_an_error_without_our_secrets,
)
from reconciler.providers.conformance.field_checks import (
    a_created_webhook_is_listed_with_its_mark,
    a_name_is_taken_once,
    a_protected_webhook_is_not_deleted,
    an_edit_by_somebody_else_is_a_conflict,
    an_empty_product_lists_nothing,
    an_update_that_changes_nothing_keeps_the_revision,
    another_owners_mark_stays_theirs,
    each_field_and_pair_of_fields_is_updated_alone,
    equal_names_are_two_webhooks,
    every_authentication_is_read_back_as_normalized,
    many_webhooks_are_listed_each_once,
    one_idempotency_key_makes_one_webhook,
    what_is_gone_is_a_conflict_for_update_and_done_for_delete,
)
from reconciler.providers.conformance.samples import (
    strongest,
)
from reconciler.providers.conformance.subject import Check, Setting

Applies = Callable[[Setting], bool]


def _always(_setting: Setting) -> bool:
    return True


def _has_credentials(setting: Setting) -> bool:
    return bool(strongest(setting.capabilities))


def _can_prove_credentials(setting: Setting) -> bool:
    can = setting.capabilities
    return (
        setting.over_http and can.secrets.kept and can.test != "none" and _has_credentials(setting)
    )


def _has_editable_marks(setting: Setting) -> bool:
    return setting.has_session and setting.capabilities.mark in {"field", "native"}


CHECKS: Final[tuple[tuple[Check, Applies], ...]] = (
    (an_empty_product_lists_nothing, _always),
    (a_created_webhook_is_listed_with_its_mark, _always),
    (every_authentication_is_read_back_as_normalized, _always),
    (each_field_and_pair_of_fields_is_updated_alone, _always),
    (an_update_that_changes_nothing_keeps_the_revision, _always),
    (an_edit_by_somebody_else_is_a_conflict, _always),
    (what_is_gone_is_a_conflict_for_update_and_done_for_delete, _always),
    (many_webhooks_are_listed_each_once, _always),
    (a_protected_webhook_is_not_deleted, lambda s: s.capabilities.mark != "none"),
    (another_owners_mark_stays_theirs, lambda s: s.capabilities.mark != "none"),
    (equal_names_are_two_webhooks, lambda s: not s.capabilities.unique_names),
    (a_name_is_taken_once, lambda s: s.capabilities.unique_names),
    (one_idempotency_key_makes_one_webhook, lambda s: s.capabilities.idempotency_key),
    (a_stored_credential_goes_nowhere_else, _has_credentials),
    (a_credential_stays_when_other_fields_change, _can_prove_credentials),
    (a_lost_answer_leaves_one_webhook, lambda s: s.over_http),
    (a_limit_is_waited_for, lambda s: s.over_http),
    (a_web_page_is_an_error_without_our_secrets, lambda s: s.over_http),
    (a_cut_mark_is_unowned_and_a_warning, _has_editable_marks),
    (a_copied_mark_is_found_twice, _has_editable_marks),
)
"""Each check, and when it applies."""


def chosen(setting: Setting) -> tuple[Check, ...]:
    """The checks that apply."""
    return tuple(check for check, applies in CHECKS if applies(setting))
