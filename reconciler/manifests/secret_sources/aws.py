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
    Down,
    Item,
    Lost,
    Place,
    text_of,
    within,
)

LISTED: Final = "aws"
OPTIONAL: Final = False
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


def place(value: Any, _folder: str, _access: Access) -> Place:
    """The secret of that name or ARN, or a field of it."""
    return Place(
        "fromAwsSecretsManager", (value["name"],), value.get("field"), subject=value["name"]
    )


def fetch(item: Item, access: Access) -> str:
    """The text of the secret, as it is now."""
    try:
        answer = within(access.timeout, lambda: _ask(item[0], access))
    except TimeoutError:
        raise Down(
            f"AWS did not answer within {access.timeout:g} s", "--timeout gives it longer"
        ) from None
    text = answer.get("SecretString")
    if not isinstance(text, str) or not text:
        raise Lost("the secret holds no text", "store it as a secret string")
    if len(text) > SIZE:
        raise Lost("it has over 64 KiB")
    return text


def pick(got: Any, place: Place) -> str:
    """The whole text, or a field of the JSON object in it."""
    if place.part is None:
        return str(got)
    try:
        values = json.loads(got)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise Lost(
            "its text is no JSON object, so it has no fields",
            "leave `field` out to have the whole text",
        )
    return text_of(values, place.part)


@cache
def _client(region: str | None, timeout: float, ca_file: str | None) -> Any:
    """Made once: it takes longer to make than to ask. boto3 itself reads HTTPS_PROXY and NO_PROXY;
    plain http gets no proxy.
    """
    from boto3.session import Session  # type: ignore[import-untyped]  # noqa: PLC0415  as below
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415  as below

    config = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"mode": "standard", "total_max_attempts": 2},
    )
    session, verify = Session(region_name=region), _bundle(ca_file) if ca_file is not None else None
    made = session.client("secretsmanager", config=config, verify=verify)
    if made.meta.endpoint_url.startswith("http://"):
        made = session.client("secretsmanager", config=config.merge(Config(proxies={})))
    return made


def _bundle(ca_file: str) -> str:
    """A file of boto3's own certificate authorities, or AWS_CA_BUNDLE's, and those of `--ca-file`:
    boto3 takes one file alone.
    """
    import atexit  # noqa: PLC0415  only runs that need it
    import os  # noqa: PLC0415  likewise
    import tempfile  # noqa: PLC0415  likewise
    from pathlib import Path  # noqa: PLC0415  likewise

    from botocore.httpsession import get_cert_path  # type: ignore[import-untyped]  # noqa: PLC0415  as above

    own = os.environ.get("AWS_CA_BUNDLE") or get_cert_path(verify=True)
    with tempfile.NamedTemporaryFile("wb", suffix=".pem", delete=False) as file:
        file.write(Path(own).read_bytes() + b"\n" + Path(ca_file).read_bytes())
    atexit.register(Path(file.name).unlink, missing_ok=True)
    return file.name


def _ask(name: str, access: Access) -> dict[str, Any]:
    try:
        from botocore import exceptions as told  # type: ignore[import-untyped]  # noqa: PLC0415  an extra; it brings no types
    except ImportError:
        raise Down(
            "boto3 is not installed", 'install the extra: pip install "webhook-reconciler[aws]"'
        ) from None
    region = access.env.get("AWS_REGION") or access.env.get("AWS_DEFAULT_REGION")
    try:
        answer: dict[str, Any] = _client(region, access.timeout, access.ca_file).get_secret_value(
            SecretId=name
        )
    except told.ClientError as error:
        raise _refusal(error.response) from None
    except (told.NoCredentialsError, told.NoRegionError):
        raise Down("there are no AWS credentials, or no region", _CREDENTIALS) from None
    except told.SSLError:
        raise Down("the TLS certificate of AWS Secrets Manager is not trusted", _TRUST) from None
    except told.ProxyConnectionError:
        raise Down(
            "the proxy opened no connection to AWS Secrets Manager",
            "is HTTPS_PROXY right? NO_PROXY lists what needs none",
        ) from None
    except (told.ConnectionError, told.HTTPClientError):
        raise Down("AWS Secrets Manager cannot be reached", _ENDPOINT) from None
    except Exception as error:  # noqa: BLE001  boto3's errors have no common base, and their texts quote what they got
        raise Down(
            f"AWS Secrets Manager cannot be asked ({type(error).__name__})", _ENDPOINT
        ) from None
    if "ARN" not in answer:
        raise Down("what answers is no AWS Secrets Manager", _ENDPOINT)
    return answer


def _refusal(response: Any) -> Lost:
    """What an error of AWS means; its own text is not repeated, a code only if it looks like
    one.
    """
    code = str(response.get("Error", {}).get("Code", ""))
    if code in _CODES:
        return Lost(*_CODES[code])
    told = f" ({code})" if re.fullmatch(r"[A-Za-z0-9]{1,64}", code) else ""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = (
        Lost
        if 400 <= status < 500 and status != 429 and "Token" not in code and "Client" not in code
        else Down
    )
    return kind(f"AWS answered no secret{told}", _CREDENTIALS if kind is Down else _DENIED)
