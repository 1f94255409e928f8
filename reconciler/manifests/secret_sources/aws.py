"""`fromAwsSecretsManager: {name, field}`: a secret of AWS Secrets Manager, asked through boto3, the
extra `aws`.

Account, region and credentials are found as boto3 finds them, from the run's environment, never
from a manifest.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, Final

from reconciler.manifests.secret_sources.base import (
    SIZE,
    Access,
    Item,
    Place,
    SourceDown,
    Unresolved,
    get_text,
    run_within,
)

LIST_NAME: Final = "aws"
ALLOWED_BY_DEFAULT: Final = False
_CREDENTIALS: Final = "give boto3 credentials and a region: AWS_PROFILE, AWS_REGION, a role, …"
_ENDPOINT: Final = "is the region right, and AWS_ENDPOINT_URL, if it is set?"
_TRUST: Final = "--ca-file FILE adds a private certificate authority"
_DENIED: Final = "the policy of these credentials must allow secretsmanager:GetSecretValue on it"
_CODES: Final[dict[str, tuple[str, str]]] = {
    "ResourceNotFoundException": (
        "there is no such secret, or it has no value",
        "is it in this account and region?",
    ),
    "InvalidRequestException": (
        "the secret is about to be deleted",
        "restore it, or correct the reference",
    ),
    "AccessDeniedException": ("AWS refuses it", _DENIED),
    "DecryptionFailure": (
        "AWS cannot decrypt it with its KMS key",
        "allow kms:Decrypt to these credentials",
    ),
}


def find_place(value: Any, _folder: str, _access: Access) -> Place:
    """The secret with that name or ARN, or a field of it."""
    return Place(
        "fromAwsSecretsManager", (value["name"],), value.get("field"), subject=value["name"]
    )


def fetch(item: Item, access: Access) -> str:
    """The current text of the secret."""
    try:
        answer = run_within(access.timeout, lambda: _ask(item[0], access))
    except TimeoutError:
        raise SourceDown(
            f"AWS did not answer within {access.timeout:g} s", "--timeout gives it longer"
        ) from None
    text = answer.get("SecretString")
    if not isinstance(text, str) or not text:
        raise Unresolved("the secret holds no text", "store it as a secret string")
    if len(text) > SIZE:
        raise Unresolved("it has over 64 KiB")
    return text


def pick(text: Any, place: Place) -> str:
    """The whole text, or a field of the JSON object in it."""
    if place.part is None:
        return str(text)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Unresolved(
            "its text is no JSON object, so it has no fields",
            "leave `field` out to have the whole text",
        )
    return get_text(values, place.part)


@cache
def _open_client(region: str | None, timeout: float, ca_file: str | None) -> Any:
    """A client, made once: making takes longer than asking. boto3 itself reads HTTPS_PROXY and
    NO_PROXY; plain http gets no proxy.
    """
    from boto3.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415  as below
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415  as below

    config = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    session, verify = (
        Session(region_name=region),
        _write_bundle(ca_file) if ca_file is not None else None,
    )
    client = session.client("secretsmanager", config=config, verify=verify)
    if client.meta.endpoint_url.startswith("http://"):
        client = session.client("secretsmanager", config=config.merge(Config(proxies={})))
    return client


def _write_bundle(ca_file: str) -> str:
    """A file with the certificate authorities of boto3 or AWS_CA_BUNDLE, and those of `--ca-file`:
    boto3 takes one file only.
    """
    import atexit  # noqa: PLC0415  only runs that need it
    import os  # noqa: PLC0415  only runs that need it
    import tempfile  # noqa: PLC0415  only runs that need it
    from pathlib import Path  # noqa: PLC0415  only runs that need it

    from botocore.httpsession import get_cert_path  # type: ignore[import-untyped]  # noqa: PLC0415  only runs that need it

    own_bundle = os.environ.get("AWS_CA_BUNDLE") or get_cert_path(verify=True)
    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as file:
        file.write(Path(own_bundle).read_bytes() + b"\n" + Path(ca_file).read_bytes())
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name


def _ask(name: str, access: Access) -> dict[str, Any]:
    try:
        from botocore import exceptions  # type: ignore[import-untyped]  # noqa: PLC0415  an extra; it brings no types
    except ImportError:
        raise SourceDown(
            "boto3 is not installed", 'install the extra: pip install "webhook-reconciler[aws]"'
        ) from None
    region = access.env.get("AWS_REGION") or access.env.get("AWS_DEFAULT_REGION")
    try:
        answer: dict[str, Any] = _open_client(
            region, access.timeout, access.ca_file
        ).get_secret_value(SecretId=name)
    except Exception as error:  # noqa: BLE001  boto3's errors have no common base class, and their texts quote data
        raise _explain_error(error, exceptions) from None
    if "ARN" not in answer:
        raise SourceDown("the server is not AWS Secrets Manager", _ENDPOINT)
    return answer


def _explain_error(error: Exception, exceptions: Any) -> Unresolved:
    """The meaning of an error of boto3, whose errors are the module `exceptions`."""
    if isinstance(error, exceptions.ClientError):
        return _explain_refusal(error.response)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.NoRegionError):
        return SourceDown("there are no AWS credentials, or no region", _CREDENTIALS)
    if isinstance(error, exceptions.SSLError):
        return SourceDown("the TLS certificate of AWS Secrets Manager is not trusted", _TRUST)
    if isinstance(error, exceptions.ProxyConnectionError):
        return SourceDown(
            "the proxy opened no connection to AWS Secrets Manager",
            "is HTTPS_PROXY right? NO_PROXY lists what needs none",
        )
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return SourceDown("AWS Secrets Manager cannot be reached", _ENDPOINT)
    text = f"AWS Secrets Manager cannot be asked ({type(error).__name__})"
    return SourceDown(text, _ENDPOINT)


def _explain_refusal(response: Any) -> Unresolved:
    """The meaning of an AWS error. Its text is not repeated, its code only if it has the form of a
    code.
    """
    code = str(response.get("Error", {}).get("Code", ""))
    if code in _CODES:
        return Unresolved(*_CODES[code])
    suffix = f" ({code})" if re.fullmatch(r"[A-Za-z0-9]{1,64}", code) else ""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = (
        Unresolved
        if 400 <= status < 500 and status != 429 and "Token" not in code and "Client" not in code
        else SourceDown
    )
    return kind(f"AWS answered no secret{suffix}", _CREDENTIALS if kind is SourceDown else _DENIED)
