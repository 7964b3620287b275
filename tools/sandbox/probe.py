"""Finds out what this host can do, by a container that has nothing of the image under test.

Only what this finds may skip a test. It runs before the image is unpacked; whatever goes wrong
after it is the image's fault or ours, and a failure.
"""

from pathlib import Path

from tools.sandbox import emulation
from tools.sandbox.container import Container, SetupError, StartError
from tools.sandbox.inside import Process
from tools.sandbox.privileges import Limits
from tools.sandbox.users import User

_PROGRAM = "probe"


def what_is_missing(
    folder: Path,
    platform: str,
    limits: Limits,
    emulation_problem: str | None,
    user: User,
    ids: int,
) -> str | None:
    """Why no command of an image for `platform` can run on this host, or None.

    Works in `folder`, which is made. `emulation_problem` is what `emulation.enable` said; `user` is
    as whom to try, where there are `ids` ids besides one.
    """
    folder.mkdir()
    root = folder / "root"
    root.mkdir()
    foreign = not emulation.is_native(platform)
    if foreign:
        program = root / _PROGRAM
        if not emulation.is_known(platform):
            return f"{platform} programs do not run on this host: {emulation_problem}"
        program.write_bytes(emulation.empty_program(platform))
        program.chmod(0o755)
    container = Container(folder / "container", [root], "probe", limits, ids)
    try:
        container.start(Process([f"/{_PROGRAM}"], {}, user=user))
    except SetupError as error:
        return f"no container can be set up on this host: {error}"
    except StartError as error:
        if not foreign:
            return None  # there is no such program: the container got as far as that
        return f"{platform} programs do not run on this host: {emulation_problem or error}"
    container.kill()
    return None
