"""Drives a headless browser through the DevTools protocol on a pipe, and records what it fetches and reports."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ON_MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome: the one in ETL_TEST_BROWSER, else an installed one."""
    given = os.environ.get("ETL_TEST_BROWSER")
    found = [given] if given else [*_NAMES, _ON_MACOS]
    return next(filter(None, map(shutil.which, found)), None)


@dataclass
class Seen:
    """What a browser reported about a page."""

    complaints: list[str] = field(default_factory=list)
    """Console messages of any kind, exceptions, and what the browser logs: failed loads, broken policies."""
    fetched: list[str] = field(default_factory=list)
    """URLs, the page's own among them."""
    answer: Any = None
    """The value of the expression."""


class Browser:
    """A running browser."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to = to_browser
        self._from = from_browser
        self._rest = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []

    def see(self, url: str, width: int, scheme: str, expression: str) -> Seen:
        """Open ``url`` in a window of ``width`` CSS pixels that prefers ``scheme``, and evaluate ``expression``."""
        target = self._ask("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self._ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable", {}, session)
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self._ask("Emulation.setDeviceMetricsOverride", screen, session)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", {"features": features}, session)
        self._events.clear()
        self._ask("Page.navigate", {"url": url}, session)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())
        wanted = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        evaluated = self._ask("Runtime.evaluate", wanted, session)
        self._ask("Target.closeTarget", {"targetId": target})
        seen = Seen(answer=evaluated["result"].get("value"))
        for event in self._events:
            _note(event["method"], event.get("params", {}), seen)
        return seen

    def _ask(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (received := self._receive()).get("id") != self._number:
            self._events.append(received)
        assert "error" not in received, received
        result: dict[str, Any] = received["result"]
        return result

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            chunk = os.read(self._from, 1 << 20)
            assert chunk, "the browser has ended"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        received: dict[str, Any] = json.loads(message)
        return received


def _note(method: str, params: dict[str, Any], seen: Seen) -> None:
    match method:
        case "Runtime.exceptionThrown":
            seen.complaints.append(str(params["exceptionDetails"].get("exception", params["exceptionDetails"])))
        case "Runtime.consoleAPICalled":
            seen.complaints.append(f"console.{params['type']}: {params['args']}")
        case "Log.entryAdded":
            seen.complaints.append(f"{params['entry']['level']}: {params['entry']['text']}")
        case "Network.requestWillBeSent":
            seen.fetched.append(params["request"]["url"])


def _pipe() -> tuple[int, int]:
    """Return the ends of a pipe, numbered above the descriptors 3 and 4, which the browser uses."""
    ends = os.pipe()
    moved = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return moved[0], moved[1]


@contextmanager
def running(program: str) -> Iterator[Browser]:
    """Yield a browser with a temporary profile; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="etl-browser-", ignore_cleanup_errors=True) as profile:
        ours_in, theirs_out = _pipe()
        theirs_in, ours_out = _pipe()
        # the browser reads descriptor 3 and writes descriptor 4
        exchange = 'exec 3<&"$0" 4>&"$1"; shift; exec "$@"'
        command = [
            "bash",
            "-c",
            exchange,
            str(theirs_in),
            str(theirs_out),
            program,
            *_FLAGS,
            f"--user-data-dir={profile}",
        ]
        with subprocess.Popen(
            command,
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(Path(profile)), "XDG_CONFIG_HOME": profile},
        ) as process:
            os.close(theirs_in)
            os.close(theirs_out)
            try:
                yield Browser(ours_out, ours_in)
            finally:
                os.close(ours_out)  # which ends it
                os.close(ours_in)
                process.wait()
