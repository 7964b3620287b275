"""Where Debian is got from: the host's or public mirrors, and the keyring that vouches for each."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from tools.bootstrap.common import BootstrapError

_CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PUBLIC = os.path.join(_CHECKOUT, "catalog", "mirrors.json")
KEYRINGS = (
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
)
# Suites that tell a Debian mirror from somebody's package archive.
_DEBIAN_SUITE = re.compile(
    "(oldoldstable|oldstable|stable|testing|unstable|sid"
    "|buster|bullseye|bookworm|trixie|forky|duke)(-updates|-backports)?"
)
_ONE_LINE = re.compile(r"^(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<rest>\S.*)$")


@dataclass(frozen=True)
class Source:
    """One stanza or line of apt's sources."""

    types: tuple[str, ...]
    uris: tuple[str, ...]
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""  # an absolute path, or whatever else the source has there


@dataclass(frozen=True)
class Mirror:
    """A Debian mirror to try, and the keyring file that its Release must be signed from."""

    uri: str
    keyring: str


def parse_deb822(text: str) -> list[Source]:
    """The enabled sources in a .sources file."""
    found = []
    for stanza in re.split(r"\n[ \t]*(?:\n[ \t]*)+", _without_comments(text)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in (" ", "\t"):
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields and fields.get("enabled", "yes").lower() not in ("no", "false", "0", "off"):
            found.append(
                Source(
                    types=tuple(fields.get("types", "").split()),
                    uris=tuple(fields.get("uris", "").split()),
                    suites=tuple(fields.get("suites", "").split()),
                    components=tuple(fields.get("components", "").split()),
                    signed_by=fields.get("signed-by", "").strip(),
                )
            )
    return found


def parse_one_line(text: str) -> list[Source]:
    """The sources in a .list file."""
    found = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.partition("#")[0].strip())
        if match is None:
            continue
        options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
        uri, *rest = match["rest"].split()
        found.append(
            Source(
                types=(match["type"],),
                uris=(uri,),
                suites=tuple(rest[:1]),
                components=tuple(rest[1:]),
                signed_by=options.get("signed-by", ""),
            )
        )
    return found


def host_sources() -> list[Source]:
    """All sources of the host's apt, in apt's order."""
    listed = subprocess.run(
        [
            "apt-config",
            "shell",
            "FILE",
            "Dir::Etc::sourcelist/f",
            "PARTS",
            "Dir::Etc::sourceparts/d",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    where = dict(re.findall(r"^(\w+)='(.*)'$", listed, re.MULTILINE))
    files = [where.get("FILE", "")]
    parts = where.get("PARTS", "")
    if os.path.isdir(parts):
        files += [os.path.join(parts, name) for name in sorted(os.listdir(parts))]
    found = []
    for path in files:
        parse = {".list": parse_one_line, ".sources": parse_deb822}.get(os.path.splitext(path)[1])
        if parse and os.path.isfile(path) and os.access(path, os.R_OK):
            with open(path, encoding="utf-8", errors="replace") as source:
                found += parse(source.read())
    return found


def mirrors(sources: list[Source], given: str = "") -> list[Mirror]:
    """The mirrors to try, in order: those given (DEBIAN_MIRROR, space separated), else others.

    The others are the host's, and behind them the public ones of catalog/mirrors.json. Raises
    BootstrapError when there is no keyring to check one with.
    """
    if given:
        uris = [(uri, "") for uri in given.split()]
    else:
        uris = [
            (uri, source.signed_by)
            for source in sources
            if _is_debian(source)
            for listed in source.uris
            for uri in _expand(listed)
        ]
        with open(PUBLIC, encoding="utf-8") as listed_here:
            uris += [(uri, "") for uri in json.load(listed_here)["debian"]["main"]]
    found: list[Mirror] = []
    for uri, signed_by in uris:
        mirror = Mirror(uri.rstrip("/"), _keyring(signed_by))
        if mirror not in found:
            found.append(mirror)
    return found


def _is_debian(source: Source) -> bool:
    return (
        "deb" in source.types
        and "main" in source.components
        and any(_DEBIAN_SUITE.fullmatch(suite) for suite in source.suites)
    )


def _expand(uri: str) -> Iterator[str]:
    """The addresses in a mirror list, for apt's mirror+file method; else the address itself."""
    scheme, _, path = uri.partition(":")
    if scheme not in ("mirror", "mirror+file"):
        yield uri
        return
    path = "/" + path.lstrip("/")
    if scheme == "mirror+file" and os.path.isfile(path):
        with open(path, encoding="utf-8") as listed:
            for line in listed:
                address = line.partition("#")[0].split()
                if address:
                    yield address[0]


def _keyring(signed_by: str) -> str:
    """The source's own keyring when it is a readable file, else the Debian archive's."""
    for path in ([signed_by] if os.path.isabs(signed_by) else []) + list(KEYRINGS):
        if os.access(path, os.R_OK):
            return path
    raise BootstrapError(
        f"{KEYRINGS[0]}: no such file, so Debian's signatures can't be checked; "
        "install it: apt-get install debian-archive-keyring"
    )


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))
