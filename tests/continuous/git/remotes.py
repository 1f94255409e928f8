"""Real remotes for the mirror: a repository, and the same over HTTP by git's own backend."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from reconciler.continuous.git.mirror import Mirror
from tests.manifests.revisions import ENV, commit, git, new, put


def make_remote(folder: Path) -> Path:
    """A repository with one commit."""
    new(folder)
    put(folder, webhooks__a="kind: Webhook\n")
    commit(folder, "first")
    return folder


def open_mirror(folder: Path, url: Path | str, branch: str = "main", **env: str) -> Mirror:
    mirror = Mirror(folder, str(url), branch, {**ENV, **env})
    mirror.open()
    return mirror


@contextmanager
def serve(answer: tuple[int, dict[str, str]] | Path) -> Iterator[str]:
    """The address of a server: of the repositories in a folder, or with one answer to all."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if isinstance(answer, Path):
                run_backend(self, answer)
                return
            self.send_response(answer[0])
            for name, value in answer[1].items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815  the name is http.server's

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def run_backend(handler: BaseHTTPRequestHandler, root: Path) -> None:
    """Answers by `git http-backend`, a CGI program."""
    path, _, query = handler.path.partition("?")
    env = {
        **os.environ,
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": handler.command,
        "CONTENT_TYPE": handler.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": handler.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": handler.headers.get("Git-Protocol", ""),
    }
    body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    done = subprocess.run(
        ["git", "http-backend"], input=body, env=env, capture_output=True, check=False
    )
    head, _, data = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    handler.send_response(int(headers.pop("Status", "200").split()[0]))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)


__all__ = ["ENV", "commit", "git", "make_remote", "open_mirror", "put", "serve"]
