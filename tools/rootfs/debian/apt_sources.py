"""Where the image's apt finds packages.

Debian's apt package carries examples, which images take. An image of Ubuntu's names the mirrors
that its lock says, in the form Ubuntu's own images have.
"""

from __future__ import annotations

from tools.rootfs.debian.spec import Sources
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_EXAMPLES = "usr/share/doc/apt/examples"
_COMPONENT = "main"
# The same keys under two names, the second one of older releases.
_KEYRINGS = (
    "usr/share/keyrings/debian-archive-keyring.pgp",
    "usr/share/keyrings/debian-archive-keyring.gpg",
)
_UBUNTU_KEYRING = "usr/share/keyrings/ubuntu-archive-keyring.gpg"
# Up to this suite Ubuntu's images have one line a source, since then paragraphs.
_ONE_LINE = ("jammy",)


def source_files(system: System) -> dict[str, str]:
    """The files, by path, that say where apt finds packages. Raises RootfsError."""
    if system.sources is None:
        return {"etc/apt/sources.list.d/debian.sources": debian_sources(system)}
    if _UBUNTU_KEYRING not in system.tree:
        raise RootfsError(
            f"/{_UBUNTU_KEYRING}", "is missing", "Add ubuntu-keyring to the base set."
        )
    if system.suite in _ONE_LINE:
        return {"etc/apt/sources.list": _ubuntu_lines(system.suite, system.sources)}
    return {
        "etc/apt/sources.list": "# Sources are in sources.list.d/ubuntu.sources.\n",
        "etc/apt/sources.list.d/ubuntu.sources": _ubuntu_paragraphs(system.suite, system.sources),
    }


def _ubuntu_paragraphs(suite: str, sources: Sources) -> str:
    paragraphs = [
        (sources.mirror, f"{suite} {suite}-updates {suite}-backports"),
        (sources.security, f"{suite}-security"),
    ]
    return "\n".join(
        f"Types: deb\nURIs: {url}/\nSuites: {suites}\n"
        "Components: main universe restricted multiverse\n"
        f"Signed-By: /{_UBUNTU_KEYRING}\n"
        for url, suites in paragraphs
    )


def _ubuntu_lines(suite: str, sources: Sources) -> str:
    lines = [
        f"deb {sources.mirror}/ {suite}{pocket} {components}"
        for components in ("main restricted", "universe", "multiverse")
        for pocket in ("", "-updates")
    ]
    lines.append(f"deb {sources.mirror}/ {suite}-backports main restricted universe multiverse")
    lines += [
        f"deb {sources.security}/ {suite}-security {components}"
        for components in ("main restricted", "universe", "multiverse")
    ]
    return "".join(f"{line}\n" for line in lines)


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
