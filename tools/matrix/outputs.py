"""The outputs of builds for an image: its layout, its tests' results, and the reason of a failure.

They are read from an output folder of Bazel (``bazel-out/k8-fastbuild``, with ``bin`` and
``testlogs``) and, if given, from build event files (``--build_event_json_file``): a failed build
leaves no output, so only its events know of it. Nothing is built, and no blob of a layer is opened.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

from tools.cli import command
from tools.testing.summary import events, file_of, text_of

# What comes before the version in the name of the repository of a release's source.
_SOURCE = "cpython_source_"

# Reasons of an `aborted` event that are failures, unlike an interruption by the user.
_FAILED = ("ANALYSIS_FAILURE", "LOADING_FAILURE")


def add_options(options: argparse.ArgumentParser) -> None:
    """Add --events and --outputs, which say where outputs are."""
    options.add_argument(
        "--events",
        type=command.given,
        metavar="FILE",
        nargs="+",
        default=[],
        help="build event files (bazel … --build_event_json_file=FILE), oldest first: they tell of "
        "failed builds, which leave no output",
    )
    options.add_argument(
        "--outputs",
        type=command.given,
        metavar="FOLDER",
        help="Bazel's output folder, with bin and testlogs; default: the one this program is in",
    )


class UnreadableError(Exception):
    """An output that isn't what its name says."""


@dataclass(frozen=True)
class Layout:
    """An image's OCI layout: the manifest's digest, and each layer's compressed size in bytes."""

    digest: str
    layers: tuple[int, ...]

    @property
    def size(self) -> int:
        """Compressed bytes of all layers: what a registry serves."""
        return sum(self.layers)


@dataclass(frozen=True)
class Tests:
    """How many cases of a test ended in which way.

    Attributes:
        image: digest of the image tested; empty where the report doesn't say.
        passed: number of cases.
        failed: names of the cases.
        skipped: reason of each case.
    """

    image: str
    passed: int
    failed: tuple[str, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """Why a target wasn't made; `fetch`: since something could not be fetched."""

    reason: str
    fetch: bool = False


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return cast("Mapping[str, Any]", json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UnreadableError(f"{path.parent.name}/{path.name}: {error}") from None


def layout(folder: Path) -> Layout | None:
    """The layout of one image in `folder`; None if there is none.

    An empty folder is none, too: Bazel found it in a cache, and nothing asked for its files.

    Raises:
        UnreadableError: it isn't the layout of one image.
    """
    if not folder.is_dir() or not any(folder.iterdir()):
        return None
    try:
        (descriptor,) = _json(folder / "index.json")["manifests"]
        digest = str(descriptor["digest"])
        manifest = _json(folder / "blobs" / digest.replace(":", "/"))
        return Layout(digest, tuple(int(layer["size"]) for layer in manifest["layers"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"{folder.name}: not the layout of one image ({error!r})") from None


def tests(folder: Path) -> Tests | None:
    """What the test whose log folder is given ended with; None if it never ran.

    Raises:
        UnreadableError: its test.xml isn't JUnit's XML.
    """
    report = folder / "test.xml"
    if not report.is_file():
        return None
    try:
        root = ElementTree.parse(report).getroot()  # noqa: S314 - our own tests wrote it
    except (OSError, ElementTree.ParseError) as error:
        raise UnreadableError(f"{folder.name}/test.xml: {error}") from None
    digests = [p.get("value", "") for p in root.iter("property") if p.get("name") == "image"]
    passed, failed, skipped = 0, [], []
    for case in root.iter("testcase"):
        reason = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(case.get("name", "?"))
        elif reason is not None:
            skipped.append(reason.get("message") or "no reason given")
        else:
            passed += 1
    return Tests("".join(digests), passed, tuple(failed), tuple(skipped))


def _plain(label: str) -> str:
    """A label of the main repository as people write it."""
    return label.removeprefix("@@").removeprefix("@")


def _said(text: str) -> str:
    """The line of a message that says what is wrong, as far as can be told."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("com.google.")]  # Java's exceptions
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or ["no reason given"])[0]


def _cause(action: Mapping[str, Any]) -> str:
    """What a failed action says of itself, in its standard error as long as that is there."""
    stderr = text_of(file_of(action.get("stderr", {}).get("uri", "")))
    text = stderr or action.get("failureDetail", {}).get("message", "")
    return f"{action.get('type', 'action')} of {_plain(action.get('label', '?'))}: {_said(text)}"


def failures(files: Iterable[Path]) -> dict[str, Failure]:
    """By label: targets that weren't made in the builds whose event files are given.

    A later success of a target, in the same file or in a later one, ends its failure. A release
    whose source can't be fetched has the entry ``cpython_source_<version>``.

    Raises:
        EventError: a file isn't a build event file.
    """
    found: dict[str, Failure] = {}
    for file in files:
        causes: dict[str, Failure] = {}
        for event in events(file):
            kind, identity = next(iter(event["id"].items()))
            label = _plain(identity.get("label", ""))
            aborted = event.get("aborted", {})
            if kind in ("unconfiguredLabel", "configuredLabel") and aborted:
                fetch = label.startswith("//external:")
                causes[label] = Failure(_said(aborted.get("description", "")), fetch)
                if fetch and _SOURCE in label:
                    found[_SOURCE + label.rpartition(_SOURCE)[2]] = causes[label]
            elif kind == "actionCompleted" and not event.get("action", {}).get("success"):
                causes[label] = Failure(_cause(event.get("action", {})))
            elif kind not in ("targetConfigured", "targetCompleted"):
                continue
            elif event.get("completed", {}).get("success"):
                found.pop(label, None)
            elif "completed" in event or aborted.get("reason") in _FAILED:
                children = [child for c in event.get("children", []) for child in c.values()]
                known = [causes[c["label"]] for c in children if c.get("label") in causes]
                said = _said(aborted.get("description", ""))
                found[label] = known[0] if known else Failure(said)
    return found
