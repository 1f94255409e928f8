"""The events an Elastio tenant is publicly known to send, with the examples its documentation
prints.

Source of types, versions, group and examples: docs.elastio.com/docs/reference/webhook.html and
Elastio's public sample receiver. The list is known to be incomplete; what is not public is None.
The severities are this project's own: Elastio's values are not public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SEVERITIES: Final = ("info", "warning", "critical")
COMPLETE: Final = False
_DOCS: Final = (
    "https://docs.elastio.com/docs/reference/webhook/recovery-point/elastio:recovery-point:create:"
)
_SAMPLE: Final = (
    "https://github.com/elastio/contrib/blob/127b056fe0da8791b872239027cceeb63bacc3e8/"
    "elastio-webhook-handler/src/example/index.ts"
)


@dataclass(frozen=True, slots=True)
class EventType:
    """One kind of event; versions, group, description and example (JSON text) are None where they
    are not public.
    """

    type: str
    group: str | None
    versions: tuple[str, ...] | None
    description: str | None
    example: str | None
    source: str


CATALOGUE: Final = (
    EventType(
        "elastio:recovery-point:create:started",
        "Recovery point",
        ("v0",),
        "The creation of a recovery point has begun.",
        """{"event_id": "00000000-0000-0000-0000-000000000000", "event_kind":
        "elastio:recovery-point:create:started", "event_time": "2023-05-02T06:19:30Z",
        "event_version": "v0", "backup_policy_name": "test1", "deprecation_warning": null,
        "backup_start": "2023-05-02T06:19:30.049+00:00", "backup_type": "aws_ec2",
        "cloud_connector_asset_id":
        "elastio:asset:aws-ebs:s:000000000000:us-east-1:vol-00000000000000000",
        "source_cloud_connector_asset_id":
        "elastio:asset:aws-ec2:s:064207094274:us-east-1:i-00000000000000000", "asset_kind":
        "ebs", "human_readable_recovery_point_id": "rp-00000000000000000000000000",
        "cloud_connector_id": "00000000-0000-0000-0000-000000000000"}""",
        _DOCS + "started.html",
    ),
    EventType(
        "elastio:recovery-point:create:succeeded",
        "Recovery point",
        ("v0",),
        "A new recovery point was created without failure.",
        """{"event_id": "00000000-0000-0000-0000-000000000000", "event_kind":
        "elastio:recovery-point:create:succeeded", "event_time": "2023-04-27T08:26:16Z",
        "event_version": "v0", "existing_chunks": 0, "region": "us-east-1",
        "chunks_uploaded": 0, "recovery_point_type": "incremental", "bytes_read": 0,
        "skipped_bytes": 1073741824, "account_id": "000000000000", "chunks_skipped": 88,
        "new_bytes_ingested": 0, "cloud_connector_id":
        "00000000-0000-0000-0000-000000000000", "bytes_hashed": 0,
        "source_cloud_connector_asset_id": null, "unique_chunks": 0,
        "upload_duration_nanos": 0, "total_bytes_ingested": 1073741824, "segments_uploaded":
        0, "existing_bytes_ingested": 0, "bytes_compressed_and_encrypted": 0,
        "chunks_hashed": 0, "backup_type": "aws_ebs", "bytes_uploaded": 0,
        "human_readable_recovery_point_id": "rp-000000000000000000000000000",
        "chunking_duration_nanos": 120769, "chunks_created": 88, "vault_name": "default",
        "bytes_chunked": 1073741824, "compression_and_encryption_duration_nanos": 0,
        "cloud_connector_asset_id":
        "elastio:asset:aws-ebs:s:000000000000:us-east-1:vol-00000000000000000", "tags":
        {"elastio:plan": "11", "elastio:vault": "default"}, "asset_name": "",
        "hashing_duration_nanos": 2050868, "deprecation_warning": null}""",
        _DOCS + "succeeded.html",
    ),
    EventType("elastio:recovery-point:iscan:healthy", None, None, None, None, _SAMPLE),
    EventType("elastio:recovery-point:iscan:unhealthy", None, None, None, None, _SAMPLE),
)

BY_TYPE: Final = {event.type: event for event in CATALOGUE}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Catalogue:
    """The events of one product. Without severities its events have none; `complete` says that it
    has no others.
    """

    by_type: Mapping[str, EventType]
    severities: tuple[str, ...] = ()
    complete: bool = True


ELASTIO: Final = Catalogue(BY_TYPE, SEVERITIES, COMPLETE)
"""The catalogue above, which counts where a Tenant names no other."""
