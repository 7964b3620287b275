"""BuildGrid, and a worker of BuildBox: the Remote Execution API on the loopback.

As in production, a PostgreSQL holds the queue, and each worker has a cache of its own between it
and the service. The worker runs an action in a sandbox whose root holds the action's inputs, and
/bin/sh: a static busybox. There is nothing of the machine in it that an action could use.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.e2e.processes import free_port, listening, server

_CACHE = """\
description: tests
server:
  - !channel
    address: 127.0.0.1:{port}
    insecure-mode: true
authorization:
  method: none
storages:
  - !disk-storage &content
    path: {root}/content
caches:
  - !lru-action-cache &results
    storage: *content
    max-cached-refs: 100000
    cache-failed-actions: false
    allow-updates: true
{schedulers}
instances:
  - name: ''
    description: tests
    services:
      - !action-cache
        cache: *results
      - !cas
        storage: *content
      - !bytestream
        storage: *content
{services}
# A call holds a thread, or is refused if there is none. Bazel makes more than a hundred at once.
thread-pool-size: 1000
"""
_SCHEDULERS = """\
connections:
  - !sql-connection &database
    connection-string: {database}
schedulers:
  - !sql-scheduler &scheduler
    sql: *database
    storage: *content
    action-cache: *results
    poll-interval: 0.2
"""
_SERVICES = """\
      - !execution
        scheduler: *scheduler
"""


def _environment() -> Mapping[str, str]:
    """What BuildGrid runs with: its own Python packages, not those of the test that starts it."""
    site = Path(os.environ["BUILDGRID_SITE"]).absolute()
    return {"BUILDGRID_SITE": str(site), "PYTHONPATH": "", "TZ": "UTC"}


@contextmanager
def cache_service(root: Path, buildgrid: Path) -> Iterator[str]:
    """Run BuildGrid as a cache alone, in the folder `root`, which is made; gives its address."""
    root.mkdir(parents=True)
    with _service(root, buildgrid, "", "") as address:
        yield address


@contextmanager
def execution_service(root: Path, programs: Path, buildgrid: Path) -> Iterator[str]:
    """Run BuildGrid and one worker in the folder `root`, which is made; gives the address.

    programs: what debian_servers.unpacked() returned.
    """
    root.mkdir(parents=True)
    with ExitStack() as stack:
        database = stack.enter_context(_postgres(root / "postgres", programs))
        subprocess.run(
            [buildgrid, "migrate", "apply", database],
            env={**os.environ, **_environment()},
            capture_output=True,
            check=True,
        )
        schedulers = _SCHEDULERS.format(database=database)
        service = _service(root, buildgrid, schedulers, _SERVICES)
        address = stack.enter_context(service)
        stack.enter_context(_worker(root / "worker", programs, address))
        yield address


@contextmanager
def _service(root: Path, buildgrid: Path, schedulers: str, services: str) -> Iterator[str]:
    port = free_port()
    configuration = root / "buildgrid.yml"
    configuration.write_text(
        _CACHE.format(root=root, port=port, schedulers=schedulers, services=services)
    )
    command: list[str | Path] = [buildgrid, "server", "start", configuration]
    log = root / "buildgrid.log"
    with server(command, log, lambda: listening(port), _environment()):
        yield f"grpc://127.0.0.1:{port}"


@contextmanager
def _postgres(root: Path, programs: Path) -> Iterator[str]:
    """Run PostgreSQL on a socket in `root`; gives BuildGrid's name for it."""
    root.mkdir()
    data = root / "data"
    # It refuses to run as root: in a user namespace of its own it is somebody else.
    prefix = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    folder = programs / "usr/lib/postgresql/18/bin"
    options = ["-A", "trust", "-U", "buildgrid", "--no-sync", "--locale=C", "--encoding=UTF8"]
    subprocess.run(
        [*prefix, str(folder / "initdb"), "-D", str(data), *options],
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        capture_output=True,
        check=True,
    )
    command = [*prefix, str(folder / "postgres"), "-D", str(data), "-k", str(root)]
    command += ["-c", "listen_addresses=", "-c", "fsync=off"]
    socket = root / ".s.PGSQL.5432"
    environment = {"LC_ALL": "C", "TZ": "UTC"}
    log = root / "postgres.log"

    def ready() -> bool:
        text = log.read_text(errors="replace")
        return socket.exists() and "ready to accept connections" in text

    with server(command, log, ready, environment):
        yield f"postgresql+psycopg://buildgrid@/postgres?host={root}"


@contextmanager
def _worker(root: Path, programs: Path, service: str) -> Iterator[None]:
    """Run one worker for the service, with a cache in `root`."""
    root.mkdir()
    folder = programs / "usr/bin"
    port = free_port()
    # Its programs look for each other on PATH.
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    remote = service.replace("grpc://", "http://")
    cache: list[str | Path] = [
        folder / "buildbox-casd",
        f"--remote={remote}",
        f"--bind=127.0.0.1:{port}",
    ]
    cache += ["--quota-high=20G", root / "cache"]
    worker: list[str | Path] = [
        folder / "buildbox-worker",
        f"--bots-remote={remote}",
        f"--cas-remote=http://127.0.0.1:{port}",
        f"--buildbox-run={folder / 'buildbox-run-bubblewrap'}",
        f"--runner-arg=--ro-bind-mount={folder / 'busybox'}:/bin/sh",
        "--platform=OSFamily=linux",
        "--platform=ISA=x86-64",
        "worker",
    ]
    log = root / "worker.log"

    def started() -> bool:
        return "Starting buildbox-worker" in log.read_text(errors="replace")

    with (
        server(cache, root / "cache.log", lambda: listening(port), environment),
        server(worker, log, started, environment),
    ):
        yield
