"""The part of the Docker Engine API that container-structure-test's docker driver speaks.

One image, served from its unpacked layers on a unix socket: inspect it, make containers of it, run
them one at a time, commit them (how the `setup` commands of a test work), read files out of them.
Ownership comes from the layers' own headers. What can't be done on this host is answered with
status 501 and a token that the channel knows; what the image gets wrong, as Docker answers it.
"""

import copy
import io
import json
import posixpath
import re
import socket
import struct
import tarfile
import traceback
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer
from typing import Any, Protocol

from tools.sandbox.container import (
    DEFAULT_PATH,
    Container,
    LimitError,
    SetupError,
    StartError,
)
from tools.sandbox.inside import Mount, Process
from tools.sandbox.privileges import Limits
from tools.sandbox.rootfs import Rootfs, RootfsError
from tools.sandbox.staging import Staging, StagingError
from tools.sandbox.users import UserError
from tools.structure_test.channel import Channel

IMAGE_NAME = "image-under-test:latest"


class ApiError(Exception):
    """An error answer: an HTTP status and the message a client prints."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class _Image:
    id: str
    config: dict[str, Any]  # the image configuration's "config"
    lowers: list[Path]  # directories, lowest first


class AnyContainer(Protocol):
    """What runs one command, whatever the platform; see container.Container."""

    upper: Path
    hostname: str
    stdout: Path
    stderr: Path

    @property
    def started(self) -> bool:
        """Whether a command has run, or tried to, in here."""

    def start(self, process: Process) -> None:
        """Start the command. SetupError or StartError."""

    def wait(self) -> int:
        """The command's exit status. SetupError or LimitError."""

    def kill(self) -> None:
        """End a container that still runs."""


@dataclass
class ContainerRecord:
    """A container: its image, what the client sent, and what runs."""

    image: _Image
    config: dict[str, Any]  # what the client sent
    container: AnyContainer


class Engine:
    """The image and the containers made of it. `cannot_run`: why this host can run none of them."""

    def __init__(
        self,
        rootfs: Rootfs,
        config: dict[str, Any],
        state: Path,
        channel: Channel,
        mounts: Sequence[Mount] = (),
        cannot_run: str | None = None,
        limits: Limits | None = None,
        ids: int = 0,
    ) -> None:
        self._rootfs = rootfs
        self._document = config
        self._state = state
        self._channel = channel
        self._mounts = mounts
        self._staging = Staging(state)
        self._cannot_run = cannot_run
        self._limits = limits or Limits()
        self._ids = ids
        self._images = {
            IMAGE_NAME: _Image("sha256:" + "0" * 64, config.get("config") or {}, [rootfs.root])
        }
        self._containers: dict[str, ContainerRecord] = {}
        self._count = 0

    def fault(self, text: str) -> None:
        """Notes that the engine itself went wrong."""
        self._channel.fault(text)

    def _id(self) -> str:
        self._count += 1
        return f"{self._count:064x}"

    def _image(self, name: str) -> _Image:
        if name not in self._images:
            raise ApiError(404, f"No such image: {name}")
        return self._images[name]

    def _container(self, identity: str) -> ContainerRecord:
        if identity not in self._containers:
            raise ApiError(404, f"No such container: {identity}")
        return self._containers[identity]

    def inspect_image(self, name: str) -> dict[str, Any]:
        """The image's configuration."""
        image = self._image(name)
        return {
            "Id": image.id,
            "Architecture": self._document.get("architecture", ""),
            "Os": self._document.get("os", ""),
            "Config": image.config,
        }

    def remove_image(self, name: str) -> list[dict[str, str]]:
        """Forget a committed image."""
        self._image(name)
        del self._images[name]
        return [{"Deleted": name}]

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """A container of the image, not yet started."""
        image = self._image(body.get("Image", ""))
        identity = self._id()
        name = identity[-12:]
        container = self._new_container(image.lowers, name)
        self._containers[identity] = ContainerRecord(image, body, container)
        return {"Id": identity, "Warnings": []}

    def _new_container(self, lowers: Sequence[Path], name: str) -> AnyContainer:
        return Container(self._state / name, lowers, name, self._limits, self._ids)

    def start(self, identity: str) -> None:
        """Start the container's command; it runs on while other requests are answered."""
        made = self._container(identity)
        process = self._process(made)
        if self._cannot_run:
            raise ApiError(501, self._channel.skip(self._cannot_run))
        if process.user.groups and process.user.uid and not self._ids:
            groups = ", ".join(map(str, process.user.groups))
            self._channel.remark(
                f"commands of user {process.user} may do in the image what its supplementary "
                f"groups ({groups}) may, but don't see that they have them: this machine gives a "
                "container one id alone"
            )
        try:
            self._rootfs.show_to(process.user, self._ids)
            made.container.start(process)
        except (SetupError, StartError) as error:
            raise ApiError(400, str(error)) from error

    def _process(self, made: ContainerRecord) -> Process:
        """The command a container runs: the client's words over the image's own."""
        base, own = made.image.config, made.config
        host = own.get("HostConfig") or {}
        name = _string("User", own.get("User") or base.get("User") or "")
        try:
            user = self._rootfs.user(name)
        except UserError as error:
            raise ApiError(400, f"User {name!r}: {error}") from error
        if own.get("Tty"):
            raise ApiError(400, "allocateTty: the runner has no terminals")
        if host.get("Privileged"):
            raise ApiError(400, "privileged: the runner has no privileged containers")
        entrypoint = own.get("Entrypoint")
        if entrypoint is None:
            entrypoint = base.get("Entrypoint") or []
        if entrypoint == [""]:  # how a client says: none at all
            entrypoint = []
        argv = [
            *_strings("Entrypoint", entrypoint),
            *_strings("Cmd", own.get("Cmd") or base.get("Cmd") or []),
        ]
        if not argv:
            raise ApiError(400, "no command: neither the test nor the image has one")
        env = {"PATH": DEFAULT_PATH, "HOSTNAME": made.container.hostname, "HOME": user.home}
        for assignment in [
            *_strings("Env", base.get("Env") or []),
            *_strings("Env", own.get("Env") or []),
        ]:
            name, equals, value = assignment.partition("=")
            if name and equals:
                env[name] = value
        binds = _strings("Binds", host.get("Binds") or [])
        return Process(
            argv=argv,
            env=env,
            cwd=_string("WorkingDir", own.get("WorkingDir") or base.get("WorkingDir") or "/"),
            mounts=[*self._mounts, *(self._bind(bind) for bind in binds)],
            user=user,
        )

    def _bind(self, bind: str) -> Mount:
        source, target, read_only = _parse_bind(bind)
        try:
            return Mount(self._staging.show(Path(source), read_only=read_only), target)
        except StagingError as error:
            raise ApiError(400, f"bind {bind!r}: {error}") from error

    def wait(self, identity: str) -> dict[str, Any]:
        """Wait for the command's end; its exit status."""
        try:
            return {"StatusCode": self._container(identity).container.wait()}
        except (LimitError, SetupError) as error:
            raise ApiError(400, str(error)) from error

    def logs(self, identity: str, query: dict[str, str]) -> bytes:
        """Both streams, in the API's frames: stream number, three zeros, length, data."""
        container = self._container(identity).container
        answer = io.BytesIO()
        for number, name, path in (
            (1, "stdout", container.stdout),
            (2, "stderr", container.stderr),
        ):
            content = path.read_bytes() if query.get(name) == "1" and path.exists() else b""
            for start in range(0, len(content), 1 << 16):
                chunk = content[start : start + (1 << 16)]
                answer.write(struct.pack(">BxxxI", number, len(chunk)) + chunk)
        return answer.getvalue()

    def commit(self, identity: str) -> dict[str, str]:
        """A new image: the container's with its environment and what it wrote on top."""
        made = self._container(identity)
        assignments = [
            *_strings("Env", made.image.config.get("Env") or []),
            *_strings("Env", made.config.get("Env") or []),
        ]
        env = dict(item.split("=", 1) for item in assignments if "=" in item)
        config = {**made.image.config, "Env": [f"{name}={value}" for name, value in env.items()]}
        changes = [made.container.upper] if made.container.started else []
        image = _Image(f"sha256:{self._id()}", config, [*made.image.lowers, *changes])
        self._images[image.id] = image
        return {"Id": image.id}

    def remove_container(self, identity: str) -> None:
        """Forget it. Its files stay until the end: an image may have been made of them."""
        self._container(identity).container.kill()
        del self._containers[identity]

    def archive(self, identity: str, path: str) -> bytes:
        """A tar archive of one path, as the image's layers have it; links are not followed.

        For a directory, its entries are included without their contents: clients look at the
        names, and a whole /usr in memory helps nobody.
        """
        made = self._container(identity)
        if made.image.lowers != [self._rootfs.root]:
            raise ApiError(400, "the runner can't read files of a container with `setup`")
        clean = posixpath.normpath("/" + path.lstrip("/"))
        try:
            found = self._rootfs.resolve(clean, follow_last=False)
        except RootfsError as error:
            raise ApiError(400, str(error)) from error
        if found not in self._rootfs.headers:
            raise ApiError(404, f"Could not find the file {path} in container {identity}")
        name = posixpath.basename(clean) or "/"
        answer = io.BytesIO()
        with tarfile.open(fileobj=answer, mode="w", format=tarfile.PAX_FORMAT) as archive:
            self._add(archive, found, name)
            for child in self._rootfs.children(found):
                self._add_header(archive, posixpath.join(found, child), f"{name}/{child}")
        return answer.getvalue()

    def _add(self, archive: tarfile.TarFile, path: str, name: str) -> None:
        header = self._rootfs.headers[path]
        if not header.isreg():
            self._add_header(archive, path, name)
            return
        with self._rootfs.on_disk(path).open("rb") as content:
            archive.addfile(_renamed(header, name), content)

    def _add_header(self, archive: tarfile.TarFile, path: str, name: str) -> None:
        header = _renamed(self._rootfs.headers[path], name)
        if header.isreg():
            header.size = 0
        archive.addfile(header)

    def close(self) -> None:
        """End what still runs."""
        for made in self._containers.values():
            made.container.kill()


def _renamed(header: tarfile.TarInfo, name: str) -> tarfile.TarInfo:
    renamed = copy.copy(header)
    renamed.name = name
    return renamed


def _string(name: str, value: object) -> str:
    """A text of the configuration that can be handed to the kernel."""
    if not isinstance(value, str) or "\0" in value:
        raise ApiError(400, f"{name} in the configuration: {value!r} is not a text without NUL")
    return value


def _strings(name: str, values: object) -> list[str]:
    if not isinstance(values, list):
        raise ApiError(400, f"{name} in the configuration: {values!r} is not a list")
    return [_string(name, value) for value in values]


def _parse_bind(bind: str) -> tuple[str, str, bool]:
    parts = bind.split(":")
    if len(parts) not in (2, 3) or not parts[0].startswith("/"):
        raise ApiError(400, f"bind {bind!r}: expected /source:/target[:ro]")
    return parts[0], parts[1], parts[2:] == ["ro"]


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.0, one request per connection: clients keep idle connections open otherwise."""

    server: "EngineServer"

    _ROUTES = (
        ("GET", r"/version", "_version"),
        ("GET", r"/images/(.+)/json", "_inspect_image"),
        ("DELETE", r"/images/(.+)", "_remove_image"),
        ("POST", r"/containers/create", "_create"),
        ("POST", r"/containers/(\w+)/start", "_start"),
        ("POST", r"/containers/(\w+)/wait", "_wait"),
        ("GET", r"/containers/(\w+)/logs", "_logs"),
        ("GET", r"/containers/(\w+)/archive", "_archive"),
        ("DELETE", r"/containers/(\w+)", "_remove_container"),
        ("POST", r"/commit", "_commit"),
    )

    def _handle(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        path = re.sub(r"^/v\d+(\.\d+)*(?=/)", "", urllib.parse.unquote(url.path))
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        engine = self.server.engine
        try:
            for method, pattern, name in self._ROUTES:
                match = re.fullmatch(pattern, path)
                if match and method == self.command:
                    status, answer = getattr(self, name)(engine, *match.groups())
                    break
            else:
                message = f"{self.command} {path} is not part of this engine"
                engine.fault(message)
                raise ApiError(501, message)
        except ApiError as error:
            status, answer = error.status, {"message": str(error)}
        except Exception:
            fault = traceback.format_exc()
            engine.fault(fault)
            status, answer = 500, {"message": fault}
        self._answer(status, answer)

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815 - the names http.server looks for

    def _answer(self, status: int, answer: Any) -> None:
        raw = isinstance(answer, bytes)
        content: bytes = b"" if answer is None else answer if raw else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-tar" if raw else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if content:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the client reports what matters."""

    def _version(self, engine: Engine) -> tuple[int, Any]:
        return 200, {"ApiVersion": "1.41", "MinAPIVersion": "1.24"}

    def _inspect_image(self, engine: Engine, name: str) -> tuple[int, Any]:
        return 200, engine.inspect_image(name)

    def _remove_image(self, engine: Engine, name: str) -> tuple[int, Any]:
        return 200, engine.remove_image(name)

    def _create(self, engine: Engine) -> tuple[int, Any]:
        return 201, engine.create(json.loads(self.body))

    def _start(self, engine: Engine, identity: str) -> tuple[int, Any]:
        engine.start(identity)
        return 204, None

    def _wait(self, engine: Engine, identity: str) -> tuple[int, Any]:
        return 200, engine.wait(identity)

    def _logs(self, engine: Engine, identity: str) -> tuple[int, Any]:
        return 200, engine.logs(identity, self.query)

    def _archive(self, engine: Engine, identity: str) -> tuple[int, Any]:
        return 200, engine.archive(identity, self.query.get("path", "/"))

    def _remove_container(self, engine: Engine, identity: str) -> tuple[int, Any]:
        engine.remove_container(identity)
        return 204, None

    def _commit(self, engine: Engine) -> tuple[int, Any]:
        return 201, engine.commit(self.query.get("container", ""))


class EngineServer(UnixStreamServer):
    """Serves an Engine on a unix socket, which listens already, one request at a time."""

    def __init__(self, listening: socket.socket, engine: Engine) -> None:
        self.engine = engine
        super().__init__("", _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke half-way; silent if it was the client who left."""
        error = traceback.format_exc()
        if "BrokenPipeError" not in error and "ConnectionResetError" not in error:
            self.engine.fault(error)
