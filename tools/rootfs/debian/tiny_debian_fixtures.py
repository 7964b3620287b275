"""A tiny Debian for tests: a few packages, just enough for everything that is computed."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.formats.debian.deb_fixtures import directory, file, make_deb, symlink
from tools.rootfs import program_fixtures as fixtures
from tools.rootfs.arch import Arch
from tools.rootfs.debian.effects import EFFECTS
from tools.rootfs.debian.package import Package, load_package
from tools.rootfs.debian.scripts import ScriptTable, load_table, scripts_of
from tools.rootfs.debian.system import System, new_system

SUITE = "tiny"
EPOCH = 1_700_000_000
AMD64 = fixtures.AMD64

Member = tuple[tarfile.TarInfo, bytes]


def system(arch: Arch = AMD64, *, slim: bool = True) -> System:
    """An empty system."""
    return new_system(SUITE, arch, EPOCH, slim)


def deb(
    folder: Path,
    name: str,
    files: Mapping[str, Any] | Iterable[Member] = (),
    *,
    scripts: Mapping[str, str] | None = None,
    architecture: str = "amd64",
    time: int = EPOCH,
    **fields: str,
) -> Path:
    """Write a .deb packed at `time`.

    `files` maps paths to contents (text: a symbolic link's), or lists members.
    """
    if isinstance(files, Mapping):
        members: list[Member] = []
        folders: set[str] = set()
        for path, content in files.items():
            for i, c in enumerate(path):
                if c == "/" and path[:i] not in folders:
                    folders.add(path[:i])
                    members.append((directory(f"./{path[:i]}"), b""))
            if isinstance(content, str):
                members.append((symlink(f"./{path}", content), b""))
            else:
                members.append((file(f"./{path}", mtime=EPOCH - 1000), content))
    else:
        members = list(files)
    named = {key.replace("_", "-"): value for key, value in fields.items()}
    named = {"Package": name, "Version": "1.0-1", "Architecture": architecture} | named
    named["Description"] = "for tests"
    control = "".join(f"{key}: {value}\n" for key, value in named.items())
    path = folder / f"{name}_1.0-1_{architecture}.deb"
    raw = {key: text.encode() for key, text in (scripts or {}).items()}
    path.write_bytes(make_deb(control, members, scripts=raw, time=time))
    return path


def package(path: Path, *, requested: bool = False, arch: str = "amd64") -> Package:
    """Read a .deb."""
    return load_package(path, requested, arch)


def table(folder: Path, packages: Iterable[Package], effects: Mapping[str, list[str]]) -> Path:
    """Write a table that accepts all scripts of the packages; return the folder of tables.

    `effects` maps ``package.script`` to the effects it names, others get none.
    """
    lines: list[str] = []
    for item in packages:
        for script in scripts_of(item, AMD64):
            key = f"{script.package}.{script.name}"
            lines += [
                f'[["{script.package}".{script.name}]]',
                f'sha256 = "{script.sha256}"',
                f"effects = {json.dumps(effects.get(key, []))}",
                'why = "for tests"',
            ]
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    (tables / f"{SUITE}.toml").write_text("".join(f"{line}\n" for line in lines))
    return tables


def empty_table() -> ScriptTable:
    """A table that knows no script."""
    return ScriptTable(Path("tiny.toml"), {})


def loaded_table(folder: Path, packages: Iterable[Package], **effects: list[str]) -> ScriptTable:
    """The table `table` writes, read again; ``__`` in a key stands for the dot."""
    named = {key.replace("__", "."): value for key, value in effects.items()}
    return load_table(table(folder, packages, named) / f"{SUITE}.toml", EFFECTS)


def package_set(
    folder: Path, name: str, debs: Iterable[Path], requested: set[str]
) -> dict[str, Any]:
    """Write a packages.json; return what a spec says of the set."""
    paths = list(debs)
    listing = [
        {
            "package": p.name.split("_")[0],
            "file": p.name,
            "requested": p.name.split("_")[0] in requested,
            "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
        }
        for p in paths
    ]
    (folder / f"{name}.json").write_text(json.dumps(listing))
    return {"packages": str(folder / f"{name}.json"), "debs": [str(path) for path in paths]}


_LOGIN_DEFS = b"PASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\nPASS_WARN_AGE\t7\n"
_USERS_SCRIPT = """\
#!/bin/sh
cat > "$DPKG_ROOT/etc/passwd" <<'EOF'
root:*:0:0:root:/root:/bin/bash
_apt:*:42:65534::/nonexistent:/usr/sbin/nologin
EOF
cat > "$DPKG_ROOT/etc/group" <<'EOF'
root:*:0:
shadow:*:42:
EOF
"""
_SOURCES = b"""\
# An example.
deb http://mirror.invalid/debian tiny main contrib
deb http://mirror.invalid/debian tiny-updates main contrib
deb http://mirror.invalid/debian-security tiny-security main contrib
# deb-src http://mirror.invalid/debian tiny main
"""
TINY_EFFECTS = {
    "base-passwd.preinst": ["base-passwd"],
    "passwd.postinst": ["shadow-passwords"],
    "libc-bin.postinst": ["ldconfig"],
    "mawk.postinst": ["alternatives"],
}


def tiny_base(folder: Path) -> list[Path]:
    """A base system of six packages with users, libraries, alternatives and documentation."""
    folder.mkdir(exist_ok=True)
    return [
        deb(folder, "base-passwd", scripts={"preinst": _USERS_SCRIPT}),
        deb(
            folder,
            "passwd",
            {"etc/login.defs": _LOGIN_DEFS, "usr/share/man/man1/passwd.1.gz": b"manual"},
            scripts={"postinst": "#!/bin/sh\nshadowconfig on\n", "conffiles": "/etc/login.defs\n"},
        ),
        deb(
            folder,
            "libc-bin",
            {"etc/ld.so.conf": b"include /etc/ld.so.conf.d/*.conf\n"},
            scripts={"postinst": "#!/bin/sh\nldconfig\n", "triggers": "interest-await ldconfig\n"},
        ),
        deb(
            folder,
            "libc6",
            {
                "lib/x86_64-linux-gnu/libc.so.6": fixtures.elf("libc.so.6"),
                "usr/share/doc/libc6/copyright": b"free",
                "usr/share/doc/libc6/changelog.gz": b"long",
            },
            scripts={"shlibs": "libc 6 libc6\n"},
            Multi_Arch="same",
        ),
        deb(
            folder,
            "mawk",
            {"usr/bin/mawk": b"#!", "usr/share/man/man1/mawk.1.gz": b"manual"},
            scripts={
                "postinst": "#!/bin/sh\nupdate-alternatives --install /usr/bin/awk awk "
                "/usr/bin/mawk 5 \\\n --slave /usr/share/man/man1/awk.1.gz awk.1.gz "
                "/usr/share/man/man1/mawk.1.gz\n"
            },
        ),
        deb(
            folder,
            "apt",
            {
                "usr/share/doc/apt/examples/sources.list": _SOURCES,
                "usr/share/keyrings/debian-archive-keyring.gpg": b"keys",
                "var/cache/apt/archives/partial/.keep": b"x",
            },
        ),
    ]


def tiny_spec(
    folder: Path,
    *,
    below: dict[str, Any] | None = None,
    add: Iterable[dict[str, Any]] = (),
    select: dict[str, Any] | None = None,
    **changes: Any,
) -> Path:
    """Write a spec."""
    spec: dict[str, Any] = {
        "suite": SUITE,
        "arch": fixtures.in_spec(fixtures.AMD64),
        "epoch": EPOCH,
        "slim": True,
        "below": below,
        "add": list(add),
        "select": select,
        "tools": None,
        "sources": None,
        "scripts": None,
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(spec | changes))
    return path
