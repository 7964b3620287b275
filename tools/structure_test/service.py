"""The engine's process, from the first look at the host to the last answer."""

import gc
import os
import socket
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tools.sandbox import host, probe
from tools.sandbox.folder import Folder, Shown
from tools.sandbox.inside import Mount
from tools.sandbox.privileges import Limits
from tools.sandbox.rootfs import RootfsError, unpack
from tools.sandbox.users import User
from tools.structure_test.channel import Channel
from tools.structure_test.engine import Engine, EngineServer


@dataclass(frozen=True)
class Job:
    """What the engine serves. `layers`: the layers' names and open tars, lowest first."""

    platform: str
    config: dict[str, Any]
    layers: Sequence[tuple[str, BinaryIO]]
    limits: Limits
    emulator: Path | None = None
    mounts: Sequence[Shown] = ()
    scratch: str | None = None  # where every container shows one and the same folder
    ids: int = 0  # how many ids containers have besides one (user_namespace.become)


def serve(
    job: Job,
    folder: Folder,
    listening: socket.socket,
    channel: Channel,
    ready: int,
    no_namespace: str | None,
) -> None:
    """Answers on `listening` until this process is killed; closes `ready` when it begins to.

    Runs as the keeper's body; `no_namespace` is why it has no user namespace.
    """
    try:
        os.chdir(folder.path)
        engine = _engine(job, folder, channel, no_namespace)
        server = EngineServer(listening, engine)
    except RootfsError as error:
        channel.fail(str(error))
    except BaseException:
        channel.fail(f"the engine did not start:\n{traceback.format_exc()}")
    else:
        # Each command is forked off this process: leave what has been read where it is, shared.
        gc.collect()
        gc.freeze()
        gc.disable()
        os.close(ready)
        try:
            server.serve_forever()
        except BaseException:
            channel.fault(traceback.format_exc())
    sys.exit()


def _engine(job: Job, folder: Folder, channel: Channel, no_namespace: str | None) -> Engine:
    cannot_run = no_namespace
    mounts: list[Mount] = []
    if cannot_run is None:
        try:
            mounts, emulation_problem = folder.enter_mounts(job.mounts, job.platform, job.emulator)
        except OSError as error:
            cannot_run = f"no mounts available on this host: {error}; {host.remedy()}"
        else:
            if job.scratch:
                Path("scratch").mkdir()
                mounts.append(Mount(Path("scratch"), job.scratch))
            cannot_run = probe.what_is_missing(
                Path("probe"), job.platform, job.limits, emulation_problem, _anybody(job), job.ids
            )
    rootfs = unpack(Path("root"), job.layers)
    return Engine(
        rootfs,
        job.config,
        Path("containers"),
        channel,
        mounts,
        cannot_run,
        job.limits,
        0 if no_namespace else job.ids,
    )


def runs_as_root(config: dict[str, Any]) -> bool:
    """Whether an image's configuration names no other user; who that is only its files tell."""
    user = (config.get("config") or {}).get("User") or ""
    return user in ("", "0", "root", "0:0", "root:root")


def _anybody(job: Job) -> User:
    """A user like the image's, to find out whether this host has containers for one."""
    return User() if runs_as_root(job.config) else User(1, 1)
