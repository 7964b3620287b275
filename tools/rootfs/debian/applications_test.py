from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.rootfs.debian import tiny_debian_fixtures as fixtures
from tools.rootfs.debian.effects.applications import (
    automake,
    font_configuration,
    imagemagick,
    lzma_programs,
    package_configuration_folder,
)
from tools.rootfs.debian.scripts import ReviewedScript, scripts_of
from tools.rootfs.debian.system import System
from tools.rootfs.rootfs_error import RootfsError

AVAILABLE = "usr/share/fontconfig/conf.avail"


def script(folder: Path, name: str, text: str) -> ReviewedScript:
    package = fixtures.package(fixtures.deb(folder, name, scripts={"postinst": text}))
    (found,) = scripts_of(package, fixtures.AMD64)
    return ReviewedScript(found, None)


@pytest.fixture
def system() -> System:
    made = fixtures.system()
    for name in ("10-hinting-slight.conf", "70-no-bitmaps-except-emoji.conf"):
        made.tree.put(f"{AVAILABLE}/{name}", b"x", source="fontconfig-config")
    return made


def test_fonts_as_debconf_would_answer(system: System, tmp_path: Path) -> None:
    text = 'no_bitmaps="70-no-bitmaps-except-emoji.conf"\n[ -e /etc/staff-group-for-usr-local ]\n'
    font_configuration(system, script(tmp_path, "fontconfig-config", text))
    links = {path: e.target for path, e in system.tree.entries.items() if e.kind == "symlink"}
    assert links == {
        "etc/fonts/conf.d/10-hinting-slight.conf": f"/{AVAILABLE}/10-hinting-slight.conf",
        "etc/fonts/conf.d/70-no-bitmaps-except-emoji.conf": (
            f"/{AVAILABLE}/70-no-bitmaps-except-emoji.conf"
        ),
    }
    folder = system.tree.entries["usr/local/share/fonts"]
    assert (folder.mode, folder.gid) == (0o755, 0)


@pytest.mark.parametrize(
    "text",
    [
        'no_bitmaps="70-no-bitmaps-except-emoji.conf"\n',
        'no_bitmaps="70-no-bitmaps-except-emoji.conf"\n[ -e /etc/staff-group-for-usr-local ]\n',
    ],
)
def test_local_fonts_are_the_staffs_where_usr_local_is(
    system: System, tmp_path: Path, text: str
) -> None:
    system.tree.put("etc/group", "root:x:0:\nstaff:x:50:\n", source="x")
    system.tree.put("etc/staff-group-for-usr-local", "", source="x")
    font_configuration(system, script(tmp_path, "fontconfig-config", text))
    folder = system.tree.entries["usr/local/share/fonts"]
    assert (folder.mode, folder.gid) == (0o2775, 50)


def test_programs_of_imagemagick_have_two_names_each(system: System, tmp_path: Path) -> None:
    for name in ("magick", "magick-script"):
        system.tree.put(f"usr/bin/{name}-im7.q16", b"x", source="imagemagick-7.q16")
    text = (
        "for prog in magick magick-script; do\n"
        "  update-alternatives --install /usr/bin/$prog $prog /usr/bin/$prog-im7.q16 10\ndone\n"
    )
    imagemagick(system, script(tmp_path, "imagemagick-7.q16", text))
    for name in ("magick", "magick-im7", "magick-script", "magick-script-im7"):
        program = name.removesuffix("-im7")
        assert system.tree.entries[f"etc/alternatives/{name}"].target == (
            f"/usr/bin/{program}-im7.q16"
        )
        assert system.tree.entries[f"usr/bin/{name}"].target == f"/etc/alternatives/{name}"


def test_automake_is_of_the_scripts_version(system: System, tmp_path: Path) -> None:
    system.tree.put("usr/bin/automake-1.17", b"x", source="automake")
    system.tree.put("usr/bin/aclocal-1.17", b"x", source="automake")
    automake(system, script(tmp_path, "automake", "ver=1.17\nprio=30\n"))
    assert system.tree.entries["etc/alternatives/automake"].target == "/usr/bin/automake-1.17"
    assert system.tree.entries["etc/alternatives/aclocal"].target == "/usr/bin/aclocal-1.17"


def test_the_folder_of_package_configurations(system: System, tmp_path: Path) -> None:
    package_configuration_folder(system, script(tmp_path, "pkgconf-bin", "mkdir -p x\n"))
    assert system.tree.entries["usr/lib/pkgconfig"].kind == "dir"


@pytest.mark.parametrize(
    ("effect", "text", "problem"),
    [
        (font_configuration, "exit 0\n", "names no no_bitmaps"),
        (font_configuration, 'no_bitmaps="70-other.conf"\n', "is not shipped any more"),
        (imagemagick, "for prog in a b; do :; done\n", "has no such loop"),
        (lzma_programs, "exit 0\n", "has no such loop"),
    ],
)
def test_another_script_than_the_reviewed_is_refused(
    system: System,
    tmp_path: Path,
    effect: Callable[[System, ReviewedScript], None],
    text: str,
    problem: str,
) -> None:
    system.tree.put("etc/group", "root:x:0:\nstaff:x:50:\n", source="x")
    with pytest.raises(RootfsError, match=problem):
        effect(system, script(tmp_path, "a", text))
