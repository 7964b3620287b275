"""The command line: options of the runner's, then the command and its own."""

import argparse
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tools.sandbox.folder import Shown

_ABOUT = """\
Runs the image's command, or COMMAND in its place, in namespaces of the kernel: no engine, no root.
What the command writes is thrown away, but for what it writes to volumes. Its network is this
machine's. Files of its own on volumes belong to whoever starts it, whatever user the image says."""
_ABOUT_SHELL = """\
Opens a shell in the image: bash, or sh where there is no bash; nothing else of the image's command.
What is written is thrown away, but for volumes. The network is this machine's."""


class ArgumentError(Exception):
    """What is wrong with the command line."""


@dataclass(frozen=True)
class Request:
    """What to run of which image. None and empty: as the image says."""

    layout: Path
    command: str  # what people type to get here, for messages
    emulator: Path | None = None
    shell: bool = False
    platform: str | None = None
    volumes: tuple[Shown, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    workdir: str | None = None
    entrypoint: str | None = None
    network: bool = True
    arguments: tuple[str, ...] = ()


class _Parser(argparse.ArgumentParser):
    """Ends by an exception; an option it doesn't know may be meant for the command."""

    def error(self, message: str) -> NoReturn:
        unknown = re.fullmatch(r"unrecognized arguments: (\S+).*", message, re.DOTALL)
        if unknown and unknown[1].startswith("-"):
            message = (
                f"{unknown[1]} is no option of `{self.prog}`; if it is the command's, say so by "
                f"one more --: {self.prog} -- -- {unknown[1]}"
            )
        raise ArgumentError(message)


def _parser(command: str, *, shell: bool) -> _Parser:
    parser = _Parser(
        prog=command,
        usage=f"{command} -- [OPTION]... [{'ARGUMENT' if shell else 'COMMAND [ARGUMENT]'}...]",
        description=_ABOUT_SHELL if shell else _ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--volume",
        "-v",
        action="append",
        default=[],
        metavar="SRC:DST[:ro]",
        help="show a file or folder of this machine at DST; :ro read-only",
    )
    parser.add_argument(
        "--env",
        "-e",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="set a variable, or hand on this shell's",
    )
    parser.add_argument("--user", "-u", metavar="USER[:GROUP]", help="names or numbers")
    parser.add_argument("--workdir", "-w", metavar="DIR", help="the working directory")
    if shell:
        parser.add_argument("-c", dest="script", metavar="SCRIPT", help="run this, and end")
    else:
        parser.add_argument(
            "--entrypoint", metavar="PROGRAM", help="instead of the image's; '' for none"
        )
    parser.add_argument("--no-network", action="store_true", help="only the loopback of its own")
    parser.add_argument("--platform", metavar="OS/ARCH", help="which image of an index")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _volume(value: str, folder: Path) -> Shown:
    source, _, rest = value.partition(":")
    target, colon, mode = rest.partition(":")
    wanted = "SRC:DST or SRC:DST:ro, DST an absolute path other than /"
    if not source or not target.startswith("/") or not target.strip("/"):
        raise ArgumentError(f"--volume {value!r}: expected {wanted}")
    if colon and mode not in ("ro", "rw"):
        raise ArgumentError(f"--volume {value!r}: {mode!r} is neither ro nor rw; expected {wanted}")
    path = (folder / Path(source).expanduser()).absolute()
    if not path.exists():
        raise ArgumentError(f"--volume {value!r}: there is no {path}; make it first")
    return Shown(path.resolve(), target, read_only=mode == "ro")


def _variable(value: str, environment: Mapping[str, str]) -> tuple[str, str]:
    name, equals, text = value.partition("=")
    if not name or "\0" in value:
        raise ArgumentError(f"--env {value!r}: expected NAME=VALUE or NAME")
    if equals:
        return name, text
    if name not in environment:
        raise ArgumentError(f"--env {name}: no such variable is set here; say {name}=VALUE")
    return name, environment[name]


def parse(words: list[str], environment: Mapping[str, str] = os.environ) -> Request:
    """What the command line asks for.

    The words before the first `--` are the target's own, those after it are people's.

    Raises:
        ArgumentError: there is something wrong with it.
        SystemExit: --help was asked for, and given.
    """
    split = words.index("--")
    own = argparse.ArgumentParser(prog="run_image", allow_abbrev=False)
    own.add_argument("--layout", type=Path, required=True, help="OCI image layout directory")
    own.add_argument("--command", required=True, help="what people type to get here")
    own.add_argument("--emulator", type=Path, help="static qemu-user for the image's platform")
    own.add_argument("--shell", action="store_true", help="open a shell")
    own.add_argument("--folder", type=Path, required=True, help="where people's paths begin")
    target = own.parse_args(words[:split])
    asked = _parser(target.command, shell=target.shell).parse_args(words[split + 1 :])
    arguments = asked.arguments[1:] if asked.arguments[:1] == ["--"] else asked.arguments
    if target.shell and asked.script is not None:
        arguments = ["-c", asked.script, *arguments]
    return Request(
        layout=target.layout,
        command=target.command,
        emulator=target.emulator,
        shell=target.shell,
        platform=asked.platform,
        volumes=tuple(_volume(value, target.folder) for value in asked.volume),
        env=dict(_variable(value, environment) for value in asked.env),
        user=asked.user,
        workdir=asked.workdir,
        entrypoint=None if target.shell else asked.entrypoint,
        network=not asked.no_network,
        arguments=tuple(arguments),
    )
