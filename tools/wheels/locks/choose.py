"""Choosing the wheel of a package for an image, by tags, as pip would."""

from __future__ import annotations

from collections.abc import Sequence

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from tools.wheels.locks.pins import LockError, Pin, Wheel
from tools.wheels.locks.target import Target

_SHOWN = 8


def rank(wheel: str, target: Target) -> tuple[int, tuple[int, str]] | None:
    """How well a wheel suits, the smaller the better; None if it doesn't.

    Raises:
        InvalidWheelFilename: `wheel` is no name of a wheel.
    """
    _, _, build, tags = parse_wheel_filename(wheel)
    places = [target.tags[tag] for tag in tags if tag in target.tags]
    # Of equal tags the highest build number is the one.
    number, text = build or (0, "")
    return (min(places), (-number, text)) if places else None


def choose(pin: Pin, wheels: Sequence[Wheel], target: Target) -> Wheel:
    """Return the best of a package's wheels. LockError if none is for the target."""
    ranked = []
    for wheel in wheels:
        try:
            found = rank(wheel.filename, target)
        except InvalidWheelFilename as error:
            raise LockError(f"{pin.where}: {error}") from None
        if found is not None:
            ranked.append((found, wheel))
    if ranked:
        return min(ranked, key=lambda pair: pair[0])[1]
    if not wheels:
        raise LockError(
            f"{pin.where}: {pin.shown} has no wheel at all, only its source. Require another "
            "version, or build a wheel of it (pip wheel), leave it out of the lock, and give the "
            "wheel to python_app_image as `wheels`",
            relock=False,
        )
    names = _nearest([wheel.filename for wheel in wheels], target)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise LockError(
        f"{pin.where}: {pin.shown} has no wheel for {target}. It has "
        f"{', '.join(names[:_SHOWN])}{more}. Leave out the platform, or require a version "
        "that has one"
    )


def _nearest(names: Sequence[str], target: Target) -> Sequence[str]:
    """The names for the target's Python on Linux; else for its Python, or machine; else all."""
    fitting = {(tag.interpreter, tag.abi) for tag in target.tags}
    of_python = [
        name
        for name in names
        if fitting & {(tag.interpreter, tag.abi) for tag in parse_wheel_filename(name)[3]}
    ]
    of_machine = [name for name in names if "linux" in name and target.machine in name]
    return [name for name in of_python if "linux" in name] or of_python or of_machine or names
