"""A headless Chromium over its DevTools protocol: enough to look at one page."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def binary() -> str | None:
    """Path of an installed Chromium, None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """One tab. `messages` collects what the browser logged since it was opened, `choosers` the file dialogs."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._sent = 0
        self.messages: list[str] = []
        self.choosers: list[int] = []
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            answer = self._receive()
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        answer = json.loads(self._socket.recv(timeout=60))
        if answer.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.messages.append(json.dumps(answer["params"]))
        if answer.get("method") == "Page.fileChooserOpened":
            self.choosers.append(answer["params"]["backendNodeId"])
        return answer

    def open(self, path: Path, width: int, height: int, dark: bool = False, media: str = "screen") -> None:
        """Load a file at a viewport of `width` x `height` CSS pixels."""
        self.visit(path.resolve().as_uri(), width, height, dark, media)

    def visit(self, url: str, width: int = 1280, height: int = 900, dark: bool = False, media: str = "screen") -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=url)
        while self._receive().get("method") != "Page.loadEventFired":
            pass

    def until(self, expression: str, seconds: float = 60) -> Any:
        """What the expression says as soon as it says something true; pages may change meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(AssertionError):
                found = self.value(expression)
                if found:
                    return found
            time.sleep(0.1)
        raise TimeoutError(expression)

    def value(self, expression: str) -> Any:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """A key by its name and Windows key code, with what it types."""
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            typed = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **typed)

    def press_tab(self) -> None:
        self.press("Tab", 9)

    def drop(self, selector: str, *files: Path) -> None:
        """Files dragged from the desktop onto the middle of an element."""
        box = self.value(
            f"(() => {{ const b = document.querySelector('{selector}').getBoundingClientRect();"
            " return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        data = {"items": [], "files": [str(f) for f in files], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.call("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)

    def choose(self, *files: Path) -> None:
        """Answers the file dialog that is about to open."""
        while not self.choosers:
            self._receive()
        self.call("DOM.setFileInputFiles", files=[str(f) for f in files], backendNodeId=self.choosers.pop())

    def tree(self) -> list[dict[str, str]]:
        """The accessibility tree, flat: role, name and level of every node that is not ignored."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [_said(node) for node in nodes if not node.get("ignored")]

    def picture(self, whole: bool = False) -> bytes:
        """PNG of the viewport, or of the whole page."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])


def _said(node: dict[str, Any]) -> dict[str, str]:
    found = {p["name"]: str(p["value"].get("value", "")) for p in node.get("properties", ())}
    return {**found, "role": node["role"]["value"], "name": str(node.get("name", {}).get("value", ""))}


@contextmanager
def page() -> Iterator[Page]:
    """A tab of a fresh browser that knows nothing of earlier ones."""
    from websockets.sync.client import connect

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
        options += ["--disable-dev-shm-usage", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
        command = [str(binary()), *options, "about:blank"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
            assert process.stderr is not None
            try:
                lines = (re.search(r"ws://\S+", line) for line in process.stderr)
                address = next(found.group() for found in lines if found)
                with connect(address, max_size=None, proxy=None) as socket:
                    target = _attach(socket)
                with connect(
                    re.sub(r"/devtools/.*", f"/devtools/page/{target}", address), max_size=None, proxy=None
                ) as tab:
                    yield Page(tab)
            finally:
                process.terminate()
                process.stderr.close()


def _attach(socket: Any) -> str:
    socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    while True:
        answer = json.loads(socket.recv(timeout=60))
        if answer.get("id") == 1:
            return next(t["targetId"] for t in answer["result"]["targetInfos"] if t["type"] == "page")
