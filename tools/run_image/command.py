"""Which command an image runs: its configuration, and what was asked for instead."""

import posixpath
from collections.abc import Mapping
from typing import Any

from tools.run_image.arguments import Request
from tools.sandbox.container import DEFAULT_PATH
from tools.sandbox.inside import Mount, Process
from tools.sandbox.rootfs import Rootfs, RootfsError
from tools.sandbox.users import User

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh", "/bin/ash")
_EXECUTABLE = 0o111


class CommandError(Exception):
    """An image that has nothing to run."""


def _strings(config: Mapping[str, Any], name: str) -> list[str]:
    values = config.get(name) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CommandError(f"{name} in the image's configuration is no list of strings")
    return [str(value) for value in values]


def _environment(config: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the image sets."""
    assignments = [text.partition("=") for text in _strings(config, "Env")]
    return {name: value for name, equals, value in assignments if name and equals}


def shell(config: Mapping[str, Any], rootfs: Rootfs, request: Request) -> str:
    """The path of the image's shell: where shells are, or in a folder of its PATH.

    Raises:
        CommandError: it has none.
    """
    folders = _environment(config).get("PATH", DEFAULT_PATH).split(":")
    for path in (*_SHELLS, *(f"{folder}/sh" for folder in folders)):
        try:
            header = rootfs.headers.get(rootfs.resolve(path, follow_last=True))
        except RootfsError:
            continue
        if header is not None and header.isreg() and header.mode & _EXECUTABLE:
            return path
    run = request.command.removesuffix(".shell") + ".run"
    raise CommandError(
        f"the image has no shell: neither bash nor sh is in its /bin, /usr/bin or PATH; "
        f"run one of its programs: {run} -- PROGRAM"
    )


def argv(config: Mapping[str, Any], rootfs: Rootfs, request: Request) -> list[str]:
    """The words of the command, by Docker's rules.

    Raises:
        CommandError: there is none.
    """
    if request.shell:
        return [shell(config, rootfs, request), *request.arguments]
    if request.entrypoint is None:
        words = _strings(config, "Entrypoint")
        words += request.arguments or _strings(config, "Cmd")
    else:
        words = [request.entrypoint] if request.entrypoint else []
        words += request.arguments
    if not words:
        raise CommandError(
            f"the image has no command of its own; name one: {request.command} -- COMMAND"
        )
    return words


def process(
    config: Mapping[str, Any],
    rootfs: Rootfs,
    request: Request,
    user: User,
    mounts: list[Mount],
    given: Mapping[str, str],
) -> Process:
    """What to run; `given` are variables that the image and --env can replace.

    Raises:
        CommandError: the image has nothing to run.
    """
    env = {"PATH": DEFAULT_PATH, "HOME": user.home, **given, **_environment(config)}
    cwd = request.workdir or config.get("WorkingDir") or "/"
    return Process(
        argv=argv(config, rootfs, request),
        env={**env, **request.env},
        cwd=posixpath.join("/", cwd),
        mounts=mounts,
        user=user,
    )
