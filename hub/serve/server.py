"""Uvicorn on one socket, silent about what passes through it."""

from __future__ import annotations

import os
import socket

import uvicorn
from starlette.types import ASGIApp

from hub.errors import FixConfiguration


def listen(host: str, port: int) -> socket.socket:
    """A socket on the address; port 0 takes a free one. Raises FixConfiguration when it cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise FixConfiguration(
            f"{host}:{port} cannot be used ({os.strerror(error.errno) if error.errno else error}).",
            "Stop what uses it (perhaps another hub serve), or choose another with --port.",
        ) from None


def address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, bound: socket.socket) -> None:
    """Serves until Ctrl-C or SIGTERM. No access log: what is asked for is nobody's business."""
    config = uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[bound])
