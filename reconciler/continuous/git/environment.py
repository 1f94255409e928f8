"""The environments and settings that git gets: one that reaches the remote repository with the
user's own credentials, and one for all other calls, which no setting of the user changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reconciler.manifests.files.git import make_git_environment

# of git's own variables those that say how a remote is reached; any other could move or open files
_OF_A_REMOTE: Final = ("GIT_SSH", "GIT_CONFIG", "GIT_SSL_", "GIT_PROXY_", "GIT_HTTP_", "GIT_EXEC_")
_OF_THE_SYSTEM: Final = ("PATH", "TZ", "LD_LIBRARY_PATH", "GIT_EXEC_PATH")
_NO_PROMPT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",  # empty: core.askPass and SSH_ASKPASS are not used either
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
}
_SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.logAllRefUpdates": "false",
    "core.filesRefLockTimeout": "5000",  # ms; `gc` packs refs while a Tenant's commit is noted
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "http.lowSpeedLimit": "1",  # ends a fetch whose agent was killed, and so cannot end it
    "http.lowSpeedTime": "120",
    "gc.autoDetach": "false",
}
PROTOCOLS: Final = ("file", "https", "ssh")
SSH: Final = "ssh -o BatchMode=yes"  # fails instead of asking for a password


def make_settings(settings: Mapping[str, str] = _SETTINGS) -> list[str]:
    """Options of git that win over every file of settings."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def make_local_environment(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """For calls on the mirror alone: nothing but the program's path and the time zone is the
    user's.
    """
    variables = {name: env[name] for name in _OF_THE_SYSTEM if name in env}
    return make_git_environment(variables) | {
        "GIT_DIR": str(folder.absolute()),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "HOME": str(folder.absolute()),
    }


def make_remote_environment(
    env: Mapping[str, str], folder: Path, *, allow_http: bool
) -> dict[str, str]:
    """For calls that reach the remote: the user's credential helper, SSH agent and proxies apply.

    Git's helpers do not see this program's own variables, which may hold tokens of tenants.
    """
    variables = {
        name: value
        for name, value in env.items()
        if name.startswith(_OF_A_REMOTE)
        or not name.startswith(("GIT_", "SSH_ASKPASS", "RECONCILER_"))
    }
    protocols = (*PROTOCOLS, "http") if allow_http else PROTOCOLS
    return (
        make_git_environment(variables)
        | _NO_PROMPT
        | {"GIT_DIR": str(folder.absolute()), "GIT_ALLOW_PROTOCOL": ":".join(protocols)}
    )
