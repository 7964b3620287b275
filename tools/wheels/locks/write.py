"""The text of a lock as requirements.txt, and what differs from the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.markers import Marker
from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from tools.wheels.locks.choose import choose
from tools.wheels.locks.pins import LockError, Pin, Wheel
from tools.wheels.locks.pylock import Standard
from tools.wheels.locks.target import Target


def faults(lock: Standard, targets: Sequence[Target]) -> list[str]:
    """Which package has no wheel for which of the targets, a message each."""
    found: list[str] = []
    for target in targets:
        for pin in lock.pins(target):
            try:
                choose(pin, pin.wheels or (), target)
            except LockError as error:
                found.append(str(error).removeprefix(f"{pin.where}: "))
    return found


def requirements(lock: Standard, targets: Sequence[Target], header: Sequence[str]) -> str:
    """The text of requirements.txt with the packages that any of the targets needs.

    It has the hashes of all wheels for the targets' Python on any Linux, so that a further platform
    needs no new lock where the packages are the same.
    """
    pins = {(pin.name, pin.version): pin for target in targets for pin in lock.pins(target)}
    markers: dict[tuple[str, str], Marker | None] = {
        (package.name, str(package.version or "")): package.marker for package in lock.lock.packages
    }
    everywhere = [{(pin.name, pin.version) for pin in lock.pins(target)} for target in targets]
    lines = [f"# {line}\n" for line in header]
    for key, pin in sorted(pins.items()):
        needed = "" if all(key in names for names in everywhere) else f" ; {markers[key]}"
        what = f"{pin.name} @ {pin.url}" if pin.url else f"{pin.name}=={pin.version}"
        hashes = sorted(wheel.sha256 for wheel in pin.wheels or () if _may_serve(wheel, targets[0]))
        lines.append(
            " \\\n    ".join([what + needed, *(f"--hash=sha256:{h}" for h in hashes)]) + "\n"
        )
    return "".join(lines)


def _may_serve(wheel: Wheel, target: Target) -> bool:
    """Whether a wheel is for the target's Python, on any platform of Linux."""
    fitting = {(tag.interpreter, tag.abi) for tag in target.tags}
    tags: frozenset[Tag] = parse_wheel_filename(wheel.filename)[3]
    return any(
        (tag.interpreter, tag.abi) in fitting and ("linux" in tag.platform or tag.platform == "any")
        for tag in tags
    )


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What is new, gone or another version: a line each, by name. Both are name to version."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None:
            lines.append(f"+ {name} {new}")
        elif new is None:
            lines.append(f"- {name} {old}")
        elif old != new:
            lines.append(f"  {name} {old} -> {new}")
    return lines


def versions(pins: Sequence[Pin]) -> dict[str, str]:
    """Name to version of pins; versions of several platforms are joined."""
    found: dict[str, set[str]] = {}
    for pin in pins:
        found.setdefault(pin.name, set()).add(pin.version or pin.url)
    return {name: ", ".join(sorted(several)) for name, several in found.items()}
