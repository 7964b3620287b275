"""A Windows image: a locked base image's documents, layers put upon it, settings.

The base's layers are only referred to. In the manifest their descriptors carry the annotation
`org.opencontainers.image.base.name`, by which pushing knows that they are no blobs of the layout
and where a registry has them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tools.oci.assembler import layer, times
from tools.oci.assembler.layout import LayoutWriter
from tools.oci.assembler.spec import BASE_NAME, OCI_CONFIG, OCI_MANIFEST, Json, OciError
from tools.packages.windows import lockfile
from tools.packages.windows.lockfile import Lock
from tools.packages.windows.windows_error import WindowsError
from tools.windows import layer_rules

_BASE_DIGEST: Final = "org.opencontainers.image.base.digest"
# Settings of the base that are the image's own business, as the image specification has them.
_KEPT: Final = (
    "Env",
    "Entrypoint",
    "Cmd",
    "User",
    "WorkingDir",
    "ExposedPorts",
    "Volumes",
    "Labels",
)


@dataclass(frozen=True)
class Layer:
    """A layer to add: its blob, the file with its facts, what the history says, who builds it."""

    blob: Path
    facts: Path
    created_by: str
    label: str


@dataclass(frozen=True)
class Settings:
    """What an image sets.

    `path` goes in front of the base's PATH, or of `system_path` where the base's config has none.
    `created` is a time of RFC 3339; without it, the image is as new as what is inside.
    """

    created: str | None = None
    path: Sequence[str] = ()
    system_path: Sequence[str] = ()
    env: Sequence[tuple[str, str]] = ()
    cmd: Sequence[str] = ()
    shell: Sequence[str] = ()
    annotations: dict[str, str] = field(default_factory=dict)


def environment(base: Sequence[str], settings: Settings) -> list[str]:
    """The variables, NAME=value: the base's, PATH in front; names are equal in any case."""
    merged: dict[str, tuple[str, str]] = {}
    for item in base:
        name, _, value = item.partition("=")
        merged[name.upper()] = (name, value)
    inherited = merged.pop("PATH", ("PATH", ";".join(settings.system_path)))[1]
    path = ";".join([*settings.path, *([inherited] if inherited else [])])
    made = {"PATH": ("PATH", path)} if path else {}
    for name, value in settings.env:
        merged.pop(name.upper(), None)
        made[name.upper()] = (name, value)
    return [f"{name}={value}" for name, value in (*merged.values(), *made.values())]


def _created(lock: Lock, settings: Settings, layers: Sequence[tuple[Json, Layer]]) -> str:
    if settings.created:
        return times.check(settings.created)
    inside = [times.of_seconds(facts["newest"], source.blob) for facts, source in layers]
    base = lock.settings.get("created")
    return times.newest([*inside, *([str(base)] if base else [])], f"created of {lock.image}")


def _history(created: str, settings: Settings, layers: Sequence[str]) -> list[Json]:
    """What is put upon the base, as docker-library's images tell it: settings, layers, command."""
    before = [f"SHELL [{' '.join(settings.shell)}]"] if settings.shell else []
    if settings.path:
        before.append(f"ENV PATH={';'.join(settings.path)};...")
    before += [f"ENV {name}={value}" for name, value in settings.env]
    after = [f"CMD {json.dumps(list(settings.cmd))}"] if settings.cmd else []

    def told(lines: Sequence[str], **more: bool) -> list[Json]:
        return [{"created": created, "created_by": line, **more} for line in lines]

    return [
        *told(before, empty_layer=True),
        *told(layers),
        *told(after, empty_layer=True),
    ]


def _config(
    lock: Lock, settings: Settings, created: str, layers: Sequence[tuple[Json, Layer]]
) -> Json:
    base = lock.settings
    inner: dict[str, Any] = {
        key: value for key, value in (base.get("config") or {}).items() if key in _KEPT and value
    }
    inner["Env"] = environment(inner.get("Env", []), settings)
    if settings.cmd:
        # As in a Dockerfile without ENTRYPOINT: the base's, a shell at most, isn't for it.
        inner.pop("Entrypoint", None)
        inner["Cmd"] = list(settings.cmd)
    if settings.shell:
        inner["Shell"] = list(settings.shell)
    history = [
        {key: entry[key] for key in ("created", "created_by", "empty_layer") if key in entry}
        for entry in base.get("history") or []
    ]
    history += _history(created, settings, [source.created_by for _, source in layers])
    return {
        "created": created,
        "architecture": base["architecture"],
        "os": base["os"],
        "os.version": base["os.version"],
        **({"os.features": base["os.features"]} if base.get("os.features") else {}),
        "config": inner,
        "rootfs": {
            "type": "layers",
            "diff_ids": [*lock.diff_ids(), *(facts["diffId"] for facts, _ in layers)],
        },
        "history": history,
    }


def build(
    lock: Lock, layers: Sequence[Layer], settings: Settings, out: Path, *, outline: bool = False
) -> str:
    """Write the layout directory `out`, or its outline; return the image's digest.

    Neither has the base's layers. Raises OciError, and WindowsError for a layer that can't be
    unpacked on Windows; an outline doesn't wait for the layers, so it can't look at them.
    """
    if not outline:
        for source in layers:
            layer_rules.check_blob(source.blob)
    writer = LayoutWriter(out, outline=outline)
    listed = [(layer.read(source.facts), source) for source in layers]
    entries = [{**entry, "annotations": {BASE_NAME: lock.image}} for entry in lock.layers()]
    for facts, source in listed:
        entry = {key: facts[key] for key in ("mediaType", "digest", "size")}
        writer.add_layer(entry, source.blob, source.label)
        entries.append(entry)
    created = _created(lock, settings, listed)
    annotations = {
        **times.annotated(settings.annotations, [created]),
        BASE_NAME: lock.image,
        _BASE_DIGEST: lock.digest,
    }
    root = writer.add_json(
        OCI_MANIFEST,
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": writer.add_json(OCI_CONFIG, _config(lock, settings, created, listed)),
            "layers": entries,
            "annotations": dict(sorted(annotations.items())),
        },
    )
    writer.finish(root)
    return str(root["digest"])


def main(argv: list[str] | None = None) -> int:
    """Write an image; 1 and a single line where the input is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lock", type=Path, required=True, help="the base image's lock file")
    parser.add_argument("--settings", type=Path, required=True, help="JSON: fields of Settings")
    parser.add_argument(
        "--layer", nargs=4, action="append", default=[], help="BLOB FACTS CREATED_BY LABEL"
    )
    parser.add_argument("--output", type=Path, required=True, help="the layout directory")
    parser.add_argument("--digest", type=Path, help="file for the image's digest")
    parser.add_argument("--outline", action="store_true", help="leave the layers out")
    args = parser.parse_args(argv)
    try:
        lock = lockfile.read(args.lock)
        given = json.loads(args.settings.read_text(encoding="utf-8"))
        # Pairs, in the order they are to be listed.
        given["env"] = [(name, value) for name, value in given.get("env", [])]
        layers = [
            Layer(Path(blob), Path(facts), by, label) for blob, facts, by, label in args.layer
        ]
        digest = build(lock, layers, Settings(**given), args.output, outline=args.outline)
        if args.digest:
            args.digest.write_text(digest + "\n")
    except (OciError, WindowsError, OSError) as error:
        print(f"windows image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
