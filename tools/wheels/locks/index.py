"""What a package index has of a package: for locks that name no files, when something is wrong.

The indexes are those of the lock, or else those pip is set up for on this machine.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import urldefrag

from tools.net.net_errors import NetError
from tools.net.origin import parse
from tools.net.session import Request, Session
from tools.wheels.locks.pins import Wheel, filename_of

# What the pinned pip asks where nothing is set up.
_DEFAULT: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
)
_ACCEPT: Final = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01"
)
_LIMIT: Final = 64 << 20
_SETTING: Final = re.compile(r"([\w.:-]+)\.([a-z-]+)='(.*)'")
_SECTIONS: Final = ("global", "download", ":env:")

# The files of a package, by its normalised name.
Files = Callable[[str], list[Wheel]]


class _Anchors(HTMLParser):
    """The targets of a page's links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an anchor's target."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]


def settings(text: str) -> dict[str, str]:
    """The settings of `pip config list` that hold for `pip download`."""
    found: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        match = _SETTING.fullmatch(line.strip())
        if match and match[1] in _SECTIONS:
            place = _SECTIONS.index(match[1])
            found[match[2]] = max(found.get(match[2], (0, "")), (place, match[3]))
    return {name: value for name, (_, value) in found.items()}


def _said(*words: str) -> str:
    """What a program of this interpreter prints; "" if it can't run."""
    done = subprocess.run([sys.executable, *words], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip()


def configured(pip: Path) -> dict[str, str]:
    """pip's settings on this machine, and pip's own `index-url` where none is set."""
    found = settings(_said(f"{pip}/pip", "config", "list"))
    return {"index-url": _said("-c", _DEFAULT, str(pip)), **found}


def indexes(options: Iterable[str], config: Mapping[str, str]) -> list[str]:
    """The addresses of the indexes that options of pip and its settings name."""
    named = dict(option.partition(" ")[::2] for option in options)
    first = named.get("--index-url") or config.get("index-url", "")
    others = config.get("extra-index-url", "").replace("\\n", " ").split()
    others += [value for name, _, value in map(_parted, options) if name == "--extra-index-url"]
    return [address.rstrip("/") for address in (first, *others) if address]


def _parted(option: str) -> tuple[str, str, str]:
    return option.partition(" ")


def files_of(page: bytes, kind: str) -> list[Wheel]:
    """The files of an index's page about a package, JSON or HTML by its content type.

    Raises:
        ValueError: it is neither.
    """
    if "json" in kind:
        document = json.loads(page)
        return [
            Wheel(file["filename"], file.get("hashes", {}).get("sha256", ""), file["url"])
            for file in document["files"]
        ]
    anchors = _Anchors()
    anchors.feed(page.decode("utf-8", "replace"))
    found = []
    for target in anchors.found:
        url, fragment = urldefrag(target)
        sha256 = fragment.removeprefix("sha256=") if fragment.startswith("sha256=") else ""
        found.append(Wheel(filename_of(url), sha256, url))
    return found


def ask(addresses: Sequence[str], session: Session) -> Files:
    """What indexes have; those that don't answer, or aren't of HTTP, have nothing."""

    def of(name: str) -> list[Wheel]:
        found = []
        for address in addresses:
            try:
                url = parse(f"{address}/{name}/", user=True)
                answer = session.request(Request("GET", url, {"Accept": _ACCEPT}, limit=_LIMIT))
                if answer.status == 200:
                    found += files_of(answer.body, answer.header("Content-Type"))
            except (NetError, ValueError, KeyError, TypeError):
                continue
        return found

    return of
