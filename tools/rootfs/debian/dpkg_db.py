"""dpkg's database below /var/lib/dpkg, and apt's record of what was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from tools.formats.debian.fields import TRIGGER
from tools.rootfs.debian.package import Package, control_lines
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

_ADMIN = "var/lib/dpkg"
_SOURCE = "dpkg"
# The order in which dpkg writes known fields; unknown ones follow.
_FIELD_ORDER = (
    "Package", "Essential", "Protected", "Status", "Priority", "Section", "Installed-Size",
    "Origin", "Maintainer", "Bugs", "Architecture", "Multi-Arch", "Source", "Version",
    "Config-Version", "Replaces", "Provides", "Depends", "Pre-Depends", "Recommends", "Suggests",
    "Breaks", "Conflicts", "Enhances", "Conffiles", "Description",
)  # fmt: skip


def write_database(system: System) -> None:
    """Write status, info files, triggers, diversions and locks for all packages."""
    tree = system.tree
    packages = [system.packages[name] for name in sorted(system.packages)]
    for package in packages:
        _write_info(system, package)
    status = "\n".join(_paragraph(system, package) for package in packages)
    tree.put(f"{_ADMIN}/status", f"{status}\n", source=_SOURCE)
    tree.put(f"{_ADMIN}/info/format", "1\n", source=_SOURCE)
    tree.mkdir(f"{_ADMIN}/updates", source=_SOURCE)
    _write_triggers(system, packages)
    diversions = sorted(system.diversions, key=lambda d: (d.package, d.path))
    text = "".join(f"{d.path}\n{d.to}\n{d.package}\n" for d in diversions)
    tree.put(f"{_ADMIN}/diversions", text, source=_SOURCE)
    tree.put(f"{_ADMIN}/lock", b"", source=_SOURCE, mode=0o640)
    tree.put(f"{_ADMIN}/lock-frontend", b"", source=_SOURCE, mode=0o640)


def write_extended_states(system: System) -> None:
    """Tell apt which packages nobody asked for, so that autoremove may remove them."""
    text = "".join(
        f"Package: {name}\nArchitecture: {system.arch.name}\nAuto-Installed: 1\n\n"
        for name in sorted(set(system.packages) - system.requested)
    )
    system.tree.put("var/lib/apt/extended_states", text, source="apt")


def _write_info(system: System, package: Package) -> None:
    stem = f"{_ADMIN}/info/{package.info_name}"
    listed = "".join(f"/{file.path or '.'}\n" for file in package.files)
    system.tree.put(f"{stem}.list", listed, source=_SOURCE)
    for name, (mode, data, mtime) in package.control_files.items():
        if name != "control":
            system.tree.put(f"{stem}.{name}", data, source=_SOURCE, mode=mode, mtime=mtime)


def _paragraph(system: System, package: Package) -> str:
    """The package's paragraph of the status file."""
    fields = dict(package.control)
    fields["Status"] = "install ok installed"
    if package.conffiles:
        fields["Conffiles"] = "".join(f"\n {line}" for line in package.conffiles)
    names = [name for name in _FIELD_ORDER if name in fields]
    names += [name for name in fields if name not in _FIELD_ORDER]
    lines: list[str] = []
    for name in names:
        value = fields[name]
        lines.append(f"{name}:{value}" if value.startswith("\n") else f"{name}: {value}")
    return "".join(f"{line}\n" for line in lines)


def _write_triggers(system: System, packages: list[Package]) -> None:
    files: list[str] = []
    named: dict[str, list[str]] = {}
    for package in packages:
        for line in control_lines(package, "triggers"):
            words = line.partition("#")[0].split()
            if not words or words[0].startswith("activate"):
                continue
            if (
                len(words) != 2
                or words[0] not in _INTEREST_SUFFIX
                or not TRIGGER.fullmatch(words[1])
            ):
                raise RootfsError(
                    f"triggers of {package.name}", f"has the line {line!r}", "Review the package."
                )
            owner = package.info_name + _INTEREST_SUFFIX[words[0]]
            if words[1].startswith("/"):
                files.append(f"{words[1]} {owner}\n")
            else:
                named.setdefault(words[1], []).append(f"{owner}\n")
    base = f"{_ADMIN}/triggers"
    system.tree.put(f"{base}/File", "".join(sorted(files)), source=_SOURCE)
    for name, owners in named.items():
        system.tree.put(f"{base}/{name}", "".join(owners), source=_SOURCE)
    system.tree.put(f"{base}/Unincorp", b"", source=_SOURCE)
    system.tree.put(f"{base}/Lock", b"", source=_SOURCE, mode=0o600)


_INTEREST_SUFFIX: Mapping[str, str] = {
    "interest": "",
    "interest-await": "",
    "interest-noawait": "/noawait",
}
