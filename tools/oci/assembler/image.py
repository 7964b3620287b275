"""Builds one image: layers and settings, from scratch or upon a base image."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from tools.oci.assembler import layer, times
from tools.oci.assembler.layout import Layout, LayoutWriter
from tools.oci.assembler.spec import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Json,
    OciError,
    check_config,
)

_VARIABLE = re.compile(r"\$\{?(\w+)\}?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class LayerSource:
    """A layer to add: its blob, the file with its facts, what the history says, and who builds it.

    An outline doesn't read the blob, which need not be there.
    """

    blob: Path
    facts: Path
    created_by: str
    label: str = ""


@dataclasses.dataclass
class ImageSpec:
    """What to build. None leaves a setting as the base has it.

    Exactly one of `base` (a layout with one image) and `platform` (`os`, `architecture` and
    maybe `variant`) is given. With `newest` and without `created`, the image is as new as the
    newest of what is inside: of the base, and of the files in `layers`. An annotation
    times.CREATED that is empty becomes the time that is found.
    """

    base: Path | None = None
    platform: Json | None = None
    layers: list[LayerSource] = dataclasses.field(default_factory=list)
    created: str | None = None
    newest: bool = False
    env: list[tuple[str, str]] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    exposed_ports: list[str] | None = None
    volumes: list[str] | None = None
    user: str | None = None
    workdir: str | None = None


def merge_env(base: list[str], changes: list[tuple[str, str]]) -> list[str]:
    """Return `base` (NAME=value) with the changes; `$NAME` in a value is the value so far.

    A name already there keeps its place; an unknown `$NAME` becomes empty.
    """
    merged = dict(item.partition("=")[::2] for item in base)
    for name, value in changes:
        merged[name] = _VARIABLE.sub(lambda match: merged.get(match[1], ""), value)
    return [f"{name}={value}" for name, value in merged.items()]


def _settings(config: Json, spec: ImageSpec) -> Json:
    """Return the config's inner `config` object: the base's, changed as the spec says."""
    settings: dict[str, Any] = dict(config.get("config") or {})
    if spec.env is not None:
        settings["Env"] = merge_env(settings.get("Env") or [], spec.env)
    if spec.entrypoint is not None:
        settings["Entrypoint"] = spec.entrypoint
        # As in a Dockerfile: a command belongs to the entrypoint it was written for.
        settings.pop("Cmd", None)
    if spec.cmd is not None:
        settings["Cmd"] = spec.cmd
    for key, names in (("ExposedPorts", spec.exposed_ports), ("Volumes", spec.volumes)):
        if names is not None:
            every: list[str] = [*(settings.get(key) or {}), *names]
            settings[key] = {name: {} for name in sorted(set(every))}
    if spec.labels is not None:
        settings["Labels"] = dict(sorted({**(settings.get("Labels") or {}), **spec.labels}.items()))
    if spec.user is not None:
        settings["User"] = spec.user
    if spec.workdir is not None:
        settings["WorkingDir"] = spec.workdir
    return settings


def _layer_type(media_type: str, docker: bool) -> str:
    """Return a layer's media type in the family its manifest belongs to."""
    if not docker:
        return media_type
    suffix = media_type.removeprefix(OCI_LAYER).replace("+", ".")
    return DOCKER_LAYER + suffix


def build(spec: ImageSpec, out: Path, *, outline: bool = False) -> str:
    """Write the layout directory `out`, or its outline; return the image's digest.

    The base of an outline is an outline.
    """
    writer = LayoutWriter(out, outline=outline)
    media_type = OCI_MANIFEST
    if spec.base:
        base = Layout(spec.base)
        entry, manifest = base.image()
        media_type = entry["mediaType"]
        config = check_config(base.document(manifest["config"]), spec.base)
        writer.add_layers_of(base, manifest["layers"])
    elif spec.platform:
        manifest = {"config": {"mediaType": OCI_CONFIG}, "layers": []}
        config = {**spec.platform, "rootfs": {"type": "layers", "diff_ids": []}}
    else:
        raise OciError("an image needs a base image or an operating system and architecture")

    added = [(source, layer.read(source.facts)) for source in spec.layers]
    created = times.check(spec.created or config.get("created") or times.UNKNOWN)
    if spec.newest and not spec.created:
        inside = [times.of_seconds(facts["newest"], source.blob) for source, facts in added]
        created = times.newest([created, *inside])
    layers = list(manifest["layers"])
    diff_ids = list(config["rootfs"]["diff_ids"])
    history = list(config.get("history") or [])
    for source, facts in added:
        blob = {
            "mediaType": _layer_type(facts["mediaType"], media_type == DOCKER_MANIFEST),
            "digest": facts["digest"],
            "size": facts["size"],
        }
        writer.add_layer(blob, source.blob, source.label)
        layers.append(blob)
        diff_ids.append(facts["diffId"])
        history.append({"created": created, "created_by": source.created_by})

    # The platform's keys, and whatever else a base has, stay; the rest is written anew.
    written = ("created", "config", "rootfs", "history")
    config = {
        "created": created,
        **{key: value for key, value in config.items() if key not in written},
        "config": _settings(config, spec),
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": history,
    }
    annotations = {
        **(manifest.get("annotations") or {}),
        **times.annotated(spec.annotations or {}, [created]),
    }
    result: Json = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": writer.add_json(manifest["config"]["mediaType"], config),
        "layers": layers,
    }
    if annotations:
        result["annotations"] = dict(sorted(annotations.items()))
    root = writer.add_json(media_type, result)
    writer.finish(root)
    return str(root["digest"])
