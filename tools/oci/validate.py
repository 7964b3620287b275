"""Check an OCI image layout strictly against the image specification 1.1, blob by blob.

Independent of what assembles the images, on purpose: it shares no code with it, but for what reads
JSON and says what members of an archive may be. Checked are the
layout's files (none missing, no strange ones), every descriptor's media type, size and digest, the
documents' required fields and their types, each layer's diff ID and the names in its tar,
and that an index says of every platform what the image's config says. All problems are
listed, not just the first.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import zstandard

from tools.formats.archives import rules, tar
from tools.formats.archives.archive_error import ArchiveError
from tools.text import strict_json

INDEX: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG: Final = "application/vnd.oci.image.config.v1+json"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
LAYERS: Final = {LAYER: b"", LAYER + "+gzip": b"\x1f\x8b\x08", LAYER + "+zstd": b"\x28\xb5\x2f\xfd"}
# Layers that stay in a registry: they name their image, and are in no layout.
BASE: Final = "org.opencontainers.image.base.name"
NONDISTRIBUTABLE: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar"
BASE_LAYERS: Final = frozenset(
    kind + suffix for kind in (LAYER, NONDISTRIBUTABLE) for suffix in ("", "+gzip", "+zstd")
)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
# As `go tool dist list` names them, for the platforms container images exist for.
ARCHITECTURES: Final = frozenset(
    ("386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x")
)
SYSTEMS: Final = frozenset(("linux", "windows"))
VARIANTS: Final = {"arm": ("v5", "v6", "v7", "v8"), "arm64": ("v8", "v9"), "amd64": ("v2", "v3")}

# In place of the digest of a layer's tar, where the layer stays in a registry.
ELSEWHERE: Final = "elsewhere"

Json = dict[str, Any]


def is_strings(value: Any) -> bool:
    """Whether `value` is a list of strings."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_string_map(value: Any) -> bool:
    """Whether `value` is an object whose values are strings."""
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def is_set(value: Any) -> bool:
    """Whether `value` is an object whose values are empty objects."""
    return isinstance(value, dict) and all(item == {} for item in value.values())


def is_time(value: Any) -> bool:
    """Whether `value` is a time as RFC 3339 writes it."""
    try:
        return datetime.fromisoformat(value).tzinfo is not None and "T" in value
    except (TypeError, ValueError):
        return False


SETTINGS: Final[dict[str, Callable[[Any], bool]]] = {
    "Cmd": is_strings,
    "Entrypoint": is_strings,
    "Env": is_strings,
    "ExposedPorts": is_set,
    "Labels": is_string_map,
    # Docker's, for Dockerfiles built upon the image; published Windows images have it.
    "Shell": is_strings,
    "StopSignal": lambda value: isinstance(value, str),
    "User": lambda value: isinstance(value, str),
    "Volumes": is_set,
    "WorkingDir": lambda value: (
        isinstance(value, str) and re.match(r"/|[A-Za-z]:\\", value) is not None
    ),
}


class Validator:
    """Collects the problems of one layout directory in `problems`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self._used: set[str] = set()
        # Blobs nothing refers to: allowed, and rules_oci's own assembler leaves some.
        self.unused: list[str] = []
        self._diff_ids: dict[str, str] = {}
        # "os/architecture[/variant]" of every image, in order.
        self.platforms: list[str] = []

    def fail(self, where: str, what: str) -> None:
        """Note a problem of the part `where`."""
        self.problems.append(f"{self.path}: {where}: {what}")

    def need(self, condition: bool, where: str, what: str) -> bool:
        """Note the problem `what` unless `condition` holds; return the condition."""
        if not condition:
            self.fail(where, what)
        return condition

    def run(self) -> list[str]:
        """Check everything; return the problems, none for a valid layout."""
        marker = self._json("oci-layout")
        if marker is not None and marker != {"imageLayoutVersion": "1.0.0"}:
            self.fail("oci-layout", 'is not {"imageLayoutVersion": "1.0.0"}')
        index = self._json("index.json")
        if index is not None:
            try:
                self._index(index, "index.json", nested=False)
            except (TypeError, AttributeError, LookupError, ValueError) as error:
                # What else is wrong can't be told before this is right.
                self.fail("the layout", f"a document has values of wrong types: {error!r}")
        files = {
            str(file.relative_to(self.path)) for file in self.path.rglob("*") if not file.is_dir()
        }
        for name in sorted(files - self._used - {"oci-layout", "index.json"}):
            if name.startswith("blobs/sha256/"):
                self.unused.append(name)
            else:
                self.fail(name, "does not belong in a layout")
        return self.problems

    def _json(self, name: str) -> Json | None:
        try:
            value = strict_json.parse((self.path / name).read_bytes())
        except (OSError, ValueError) as error:
            self.fail(name, f"can't be read as JSON: {error}")
            return None
        if not isinstance(value, dict):
            self.fail(name, "is not a JSON object")
            return None
        return value

    def _blob(self, entry: Any, where: str, kinds: Iterable[str]) -> str | None:
        """Check a descriptor and its blob; return the blob's path in the layout."""
        if not isinstance(entry, dict):
            self.fail(where, "a descriptor is not an object")
            return None
        kind = entry.get("mediaType")
        self.need(kind in set(kinds), where, f"unexpected mediaType {kind}")
        self.need(
            is_string_map(entry.get("annotations", {})), where, "annotations are not all strings"
        )
        digest = entry.get("digest")
        if not (isinstance(digest, str) and DIGEST.fullmatch(digest)):
            self.fail(where, f"bad digest {digest!r}")
            return None
        name = f"blobs/sha256/{digest.removeprefix('sha256:')}"
        path = self.path / name
        if not self.need(path.is_file(), where, f"{name} is missing"):
            return None
        self._used.add(name)
        size = path.stat().st_size
        self.need(
            type(entry.get("size")) is int and entry["size"] == size,
            where,
            f"{name} has {size} bytes, the descriptor says {entry.get('size')}",
        )
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        self.need(f"sha256:{found}" == digest, where, f"{name} has the digest sha256:{found}")
        return name

    def _index(self, index: Json, where: str, *, nested: bool) -> None:
        # A layout's index.json only names what there is: that of rules_oci's index is without.
        version = index.get("schemaVersion", None if nested else 2)
        self.need(version == 2, where, "schemaVersion is not 2")
        self.need(index.get("mediaType", INDEX) == INDEX, where, f"mediaType is not {INDEX}")
        self.need(
            is_string_map(index.get("annotations", {})), where, "annotations are not all strings"
        )
        entries = index.get("manifests")
        if not isinstance(entries, list) or not entries:
            self.fail(where, "manifests is not a list with entries")
            return
        self.need(nested or len(entries) == 1, where, "names more than one image or index")
        seen: list[Any] = []
        for number, entry in enumerate(entries):
            part = f"{where} manifests[{number}]"
            name = self._blob(entry, part, (MANIFEST,) if nested else (MANIFEST, INDEX))
            document = name and self._json(name)
            if not document:
                continue
            if entry.get("mediaType") == INDEX:
                if nested:  # and told so above
                    continue
                self._index(document, str(name), nested=True)
                continue
            platform = self._manifest(document, str(name))
            if nested:
                self.need(
                    entry.get("platform") == platform,
                    part,
                    f"platform is {entry.get('platform')}, but the image's config says {platform}",
                )
                self.need(platform not in seen, part, f"a second image for {platform}")
                seen.append(platform)

    def _manifest(self, manifest: Json, where: str) -> Json:
        """Check an image; return its platform as an index has to state it."""
        self.need(manifest.get("schemaVersion") == 2, where, "schemaVersion is not 2")
        self.need(manifest.get("mediaType") == MANIFEST, where, f"mediaType is not {MANIFEST}")
        self.need(
            is_string_map(manifest.get("annotations", {})), where, "annotations are not all strings"
        )
        layers = manifest.get("layers")
        if not isinstance(layers, list) or not layers:
            self.fail(where, "layers is not a list with entries")
            layers = []
        diff_ids = [
            self._layer(entry, f"{where} layers[{n}]", base=n < self._base_layers(layers))
            for n, entry in enumerate(layers)
        ]
        name = self._blob(manifest.get("config"), f"{where} config", (CONFIG,))
        config = name and self._json(name)
        return self._config(config, str(name), diff_ids) if config else {}

    def _config(self, config: Json, where: str, diff_ids: list[str | None]) -> Json:
        architecture, variant = config.get("architecture"), config.get("variant")
        self.need(config.get("os") in SYSTEMS, where, f"unknown os {config.get('os')!r}")
        self.need(architecture in ARCHITECTURES, where, f"unknown architecture {architecture!r}")
        self.need(
            variant is None or variant in VARIANTS.get(str(architecture), ()),
            where,
            f"unknown variant {variant!r} of {architecture}",
        )
        self.need(is_time(config.get("created")), where, f"bad created {config.get('created')!r}")
        rootfs = config.get("rootfs") or {}
        self.need(rootfs.get("type") == "layers", where, 'rootfs.type is not "layers"')
        told = rootfs.get("diff_ids")
        if isinstance(told, list) and len(told) == len(diff_ids) and config.get("os") == "windows":
            # Of what isn't there only the form can be checked.
            for number, (said, found) in enumerate(zip(told, diff_ids, strict=True)):
                if found == ELSEWHERE:
                    self.need(bool(DIGEST.fullmatch(str(said))), where, f"bad diff ID {said!r}")
                    diff_ids[number] = said
        self.need(
            told == diff_ids,
            where,
            f"rootfs.diff_ids is {told}, but the layers' tars have {diff_ids}",
        )
        history = config.get("history", [])
        filled = [entry for entry in history if not entry.get("empty_layer")]
        self.need(
            not history or len(filled) == len(diff_ids),
            where,
            f"history has {len(filled)} entries for {len(diff_ids)} layers",
        )
        self.need(all(is_time(e.get("created")) for e in history), where, "bad time in history")

        settings = config.get("config", {})
        for key, value in settings.items():
            check = SETTINGS.get(key)
            if self.need(check is not None, where, f"unknown setting config.{key}") and check:
                self.need(check(value), where, f"config.{key} has the wrong form: {value!r}")
        names = [item.partition("=") for item in settings.get("Env") or []]
        self.need(all(name and equals for name, equals, _ in names), where, "Env is not NAME=value")
        self.need(
            len({name for name, _, _ in names}) == len(names), where, "a name twice in config.Env"
        )
        keys = ("architecture", "os", "variant", "os.version", "os.features")
        platform = {key: config[key] for key in keys if key in config}
        self.platforms.append(
            "/".join(
                str(platform[key]) for key in ("os", "architecture", "variant") if key in platform
            )
        )
        return platform

    @staticmethod
    def _base_layers(layers: list[Any]) -> int:
        """How many layers, from the lowest on, say that they are a base image's."""
        for number, entry in enumerate(layers):
            if not isinstance(entry, dict) or BASE not in (entry.get("annotations") or {}):
                return number
        return len(layers)

    def _layer(self, entry: Any, where: str, *, base: bool) -> str | None:
        """Check a layer's blob; return the digest of the tar in it.

        Of a layer of a base image that stays in a registry return ELSEWHERE.
        """
        if base:
            self._base_layer(entry, where)
            return ELSEWHERE
        name = self._blob(entry, where, LAYERS)
        if not name or entry.get("mediaType") not in LAYERS:
            return None
        if name in self._diff_ids:
            return self._diff_ids[name]
        path = self.path / name
        with path.open("rb") as file:
            magic = LAYERS[entry["mediaType"]]
            right = file.read(len(magic)) == magic
        if not self.need(right, where, f"{name} is not {entry['mediaType']}"):
            return None
        try:
            with decompressed(path, entry["mediaType"]) as stream:
                hashing = HashingReader(stream)
                self._tar(hashing, where)
                while hashing.read(1 << 20):
                    pass
        except Exception as error:  # each decompressor has its own
            self.fail(where, f"{name} can't be read: {error}")
            return None
        self._diff_ids[name] = f"sha256:{hashing.hash.hexdigest()}"
        return self._diff_ids[name]

    def _base_layer(self, entry: Json, where: str) -> None:
        """Check the descriptor of a layer that is in no layout."""
        kind, digest, size = (entry.get(key) for key in ("mediaType", "digest", "size"))
        self.need(kind in BASE_LAYERS, where, f"unexpected mediaType {kind}")
        self.need(bool(DIGEST.fullmatch(str(digest))), where, f"bad digest {digest!r}")
        self.need(type(size) is int and size > 0, where, f"bad size {size!r}")
        self.need(is_string_map(entry["annotations"]), where, "annotations are not all strings")
        urls = entry.get("urls", [])
        self.need(is_strings(urls), where, "urls is not a list of strings")
        self.need(bool(urls) or not str(kind).startswith(NONDISTRIBUTABLE), where, "has no urls")
        name = f"blobs/sha256/{str(digest).removeprefix('sha256:')}"
        self.need(not (self.path / name).exists(), where, f"{name} is the base's and yet there")

    def _tar(self, stream: HashingReader, where: str) -> None:
        paths = rules.Paths()
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=tar.LayerHeader) as layer:
            for member in layer:
                try:
                    tar.check(member, paths, keywords=None)
                except ArchiveError as error:
                    self.fail(where, str(error))


class HashingReader(io.RawIOBase):
    """A readable stream that hashes what is read through it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self.hash = hashlib.sha256()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes."""
        data = self._stream.read(size)
        self.hash.update(data)
        return data


def decompressed(path: Path, media_type: str) -> BinaryIO:
    """Open a layer's tar."""
    if media_type.endswith("+gzip"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if media_type.endswith("+zstd"):
        return cast(BinaryIO, zstandard.open(path, "rb"))
    return path.open("rb")


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 with every problem on a line of its own."""
    parser = argparse.ArgumentParser(
        prog="./bazelw run //tools/oci:validate --", description="Check OCI image layouts strictly."
    )
    parser.add_argument("layouts", type=Path, nargs="+", help="layout directories")
    parser.add_argument(
        "--platform",
        action="append",
        default=[],
        help="the layout must hold exactly the platforms given, like linux/arm64/v8",
    )
    parser.add_argument(
        "--exact", action="store_true", help="blobs that nothing refers to are problems, too"
    )
    args = parser.parse_args(argv)
    problems = []
    for path in args.layouts:
        validator = Validator(path)
        found = validator.run()
        if args.exact:
            found += [f"{path}: {name}: nothing refers to this blob" for name in validator.unused]
        if args.platform and sorted(validator.platforms) != sorted(args.platform):
            found.append(f"{path}: holds {validator.platforms}, not {args.platform}")
        if not found:
            print(f"{path}: valid ({', '.join(validator.platforms)})")
        problems += found
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
