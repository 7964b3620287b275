"""Two programs have tables of platforms of their own: they have what catalog/platforms.yaml has.

Structure tests and wheels must not depend on the catalog's readers: each change of these would run
all of them again.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.catalog import platforms
from tools.catalog.platforms import Platform
from tools.sandbox import emulation
from tools.wheels.locks.target import Target

CATALOG = Path(__file__).parents[2] / "catalog"
PLATFORMS = platforms.read(CATALOG).platforms


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_programs_are_known_by_their_header(platform: Platform) -> None:
    name = str(platform.oci)
    assert emulation.is_known(name), f"add {name} to tools/sandbox/emulation.py"
    header = emulation.empty_program(name)
    little = platform.endian == "little"
    assert header[4:6] == bytes([platform.bits // 32, 1 if little else 2])
    assert int.from_bytes(header[18:20], "little" if little else "big") == platform.machine


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=lambda platform: platform.name)
def test_wheels_are_chosen_for_its_machine(platform: Platform) -> None:
    try:
        target = Target.of(platform.name, "3.13.5", "glibc 2.41")
    except ValueError as error:
        pytest.fail(f"{error}: add {platform.name} to tools/wheels/locks/target.py")
    assert target.machine == platform.uname
