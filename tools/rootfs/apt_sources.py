"""Where the image's apt finds packages, taken from the examples the apt package carries."""

from __future__ import annotations

from tools.rootfs.errors import RootfsError
from tools.rootfs.system import System

_EXAMPLES = "usr/share/doc/apt/examples"
_COMPONENT = "main"
# The same keys under two names, the second one of older releases.
_KEYRINGS = (
    "usr/share/keyrings/debian-archive-keyring.pgp",
    "usr/share/keyrings/debian-archive-keyring.gpg",
)


def debian_sources(system: System) -> str:
    """Text of debian.sources: the suite, its updates and its security updates, main only.

    One paragraph per archive, in the order of the example.
    """
    tree = system.tree
    if f"{_EXAMPLES}/debian.sources" in tree:
        found = _deb822(tree.read_text(f"{_EXAMPLES}/debian.sources"))
    else:
        found = _one_line(tree.read_text(f"{_EXAMPLES}/sources.list"))
    archives: dict[str, list[str]] = {}
    for uri, suite in found:
        archives.setdefault(uri, []).append(suite)
    suites = [suite for group in archives.values() for suite in group]
    expected = [f"{system.suite}{suffix}" for suffix in ("", "-updates", "-security")]
    if sorted(suites) != sorted(expected):
        raise RootfsError(
            f"/{_EXAMPLES}", f"names the suites {suites}, not {expected}", "Review apt's example."
        )
    keyring = next((path for path in _KEYRINGS if path in tree), None)
    if keyring is None:
        raise RootfsError(
            f"/{_KEYRINGS[0]}", "is missing", "Add debian-archive-keyring to the base set."
        )
    return "\n".join(
        f"Types: deb\nURIs: {uri}\nSuites: {' '.join(group)}\nComponents: {_COMPONENT}\n"
        f"Signed-By: /{keyring}\n"
        for uri, group in archives.items()
    )


def _deb822(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for paragraph in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in paragraph.splitlines() if line and line[0] != "#"
        )
        if fields:
            found += [(fields["URIs"], suite) for suite in fields["Suites"].split()]
    return found


def _one_line(text: str) -> list[tuple[str, str]]:
    lines = [line.split() for line in text.splitlines()]
    return [(words[1], words[2]) for words in lines if words and words[0] == "deb"]
