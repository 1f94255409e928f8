"""The table of checks: a coroutine for each promise, the rule that it proves, and when it
applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from reconciler.providers.conformance.call_checks import (
    a_test_is_delivered_and_a_refused_one_is_not_called_delivered,
    a_webhook_without_events_is_taken_or_refused_as_claimed,
    an_error_says_what_the_product_says,
    an_update_writes_only_what_changes,
)
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
from reconciler.providers.conformance.probe_checks import a_probe_is_signed_as_the_product_signs
from reconciler.providers.conformance.samples import (
    strongest,
)
from reconciler.providers.conformance.subject import Check, Setting
from reconciler.providers.conformance.use_check import recent_deliveries_are_counted

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


def _signs_probes(setting: Setting) -> bool:
    envelope = setting.capabilities.envelope
    is_stated = envelope is not None and bool(envelope.signatures)
    return is_stated and "signature" in setting.capabilities.auths


def _can_test(setting: Setting) -> bool:
    return setting.over_http and setting.capabilities.test != "none"


def _has_editable_marks(setting: Setting) -> bool:
    return setting.has_session and setting.capabilities.mark in {"field", "native"}


RULES: Final = {
    "read back": "What was written is read back, each field and each pair of fields.",
    "listing": "A listing has every webhook once, over all pages.",
    "identity": "Equal names are one webhook or two, as the capabilities say.",
    "mark": "Ours have our mark; protected ones and those of others stay.",
    "a mark is data": "A mark that was cut or copied is no mark, and worth a warning.",
    "no lost update": "What somebody else changed since the plan is not overwritten.",
    "no duplicate": "A create whose answer was lost leaves one webhook.",
    "credentials": "A credential stays when other fields change, and goes nowhere else.",
    "probe": "What a probe sends is signed as the product signs.",
    "limits": "A limit of the product is waited for.",
    "use": "What was delivered in the last 24 hours is counted, as the capabilities say.",
    "as claimed": "The product takes and refuses what the capabilities say.",
    "tests": "A test is delivered, and says what came of it.",
    "errors": "An error has the message of the product.",
    "no secret shown": "No error quotes a secret, whatever the product answers.",
}
"""What a provider promises; each check proves one."""


@dataclass(frozen=True, slots=True)
class Row:
    """A check, the rule of `RULES` that it proves, and when it applies."""

    rule: str
    check: Check
    applies: Applies

    @property
    def name(self) -> str:
        """The check in words."""
        return self.check.__name__.replace("_", " ")


CHECKS: Final = (
    Row("listing", an_empty_product_lists_nothing, _always),
    Row("mark", a_created_webhook_is_listed_with_its_mark, _always),
    Row("read back", every_authentication_is_read_back_as_normalized, _always),
    Row("read back", each_field_and_pair_of_fields_is_updated_alone, _always),
    Row("no lost update", an_update_that_changes_nothing_keeps_the_revision, _always),
    Row("no lost update", an_edit_by_somebody_else_is_a_conflict, _always),
    Row("no lost update", an_update_writes_only_what_changes, lambda s: s.has_session),
    Row("no lost update", what_is_gone_is_a_conflict_for_update_and_done_for_delete, _always),
    Row("listing", many_webhooks_are_listed_each_once, _always),
    Row("mark", a_protected_webhook_is_not_deleted, lambda s: s.capabilities.mark != "none"),
    Row("mark", another_owners_mark_stays_theirs, lambda s: s.capabilities.mark != "none"),
    Row("identity", equal_names_are_two_webhooks, lambda s: not s.capabilities.unique_names),
    Row("identity", a_name_is_taken_once, lambda s: s.capabilities.unique_names),
    Row(
        "no duplicate",
        one_idempotency_key_makes_one_webhook,
        lambda s: s.capabilities.idempotency_key,
    ),
    Row("credentials", a_stored_credential_goes_nowhere_else, _has_credentials),
    Row("credentials", a_credential_stays_when_other_fields_change, _can_prove_credentials),
    Row("probe", a_probe_is_signed_as_the_product_signs, _signs_probes),
    Row("no duplicate", a_lost_answer_leaves_one_webhook, lambda s: s.over_http),
    Row("as claimed", a_webhook_without_events_is_taken_or_refused_as_claimed, _always),
    Row("tests", a_test_is_delivered_and_a_refused_one_is_not_called_delivered, _can_test),
    Row("errors", an_error_says_what_the_product_says, lambda s: s.over_http),
    Row("limits", a_limit_is_waited_for, lambda s: s.over_http),
    Row("no secret shown", a_web_page_is_an_error_without_our_secrets, lambda s: s.over_http),
    Row(
        "use",
        recent_deliveries_are_counted,
        lambda s: s.over_http and s.capabilities.usage != "none",
    ),
    Row("a mark is data", a_cut_mark_is_unowned_and_a_warning, _has_editable_marks),
    Row("a mark is data", a_copied_mark_is_found_twice, _has_editable_marks),
)


def list_rows(setting: Setting) -> tuple[Row, ...]:
    """The rows of the checks that apply."""
    return tuple(row for row in CHECKS if row.applies(setting))


def chosen(setting: Setting) -> tuple[Check, ...]:
    """The checks that apply."""
    return tuple(row.check for row in list_rows(setting))
