"""Bazel, called by a program that `bazel run` started: queries and builds in the same workspace.

The server has ended the run's command by then, so it takes the next one.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.oci.assembler import layers
from tools.oci.assembler.spec import OciError

# Of an image of ours: its layout without the layers (docs/oci.md).
OUTLINE: Final = "oci_outline"


class Bazel:
    """How Bazel is called: `command` is the user's `--bazel`, `flags` are those of builds."""

    def __init__(
        self,
        command: Sequence[str] | None,
        flags: Sequence[str] = (),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        workspace = environment.get("BUILD_WORKSPACE_DIRECTORY")
        if not workspace:
            raise OciError("this program builds what is chosen: start it with `bazel run`")
        self.workspace = Path(workspace)
        self.flags = tuple(flags)
        self._words = list(command) if command else [layers.launcher(self.workspace)]

    def query(self, expression: str) -> list[str]:
        """Return the labels that a query finds, each as Starlark's `str` has it."""
        options = ["--consistent_labels", "--noshow_progress", "--output=label"]
        return self._run("query", *options, expression, captured=True).split()

    def build(self, labels: Sequence[str], groups: Sequence[str] = ()) -> dict[str, list[Path]]:
        """Build targets; return the files of each label, of the output groups that it has.

        Without `groups` the default outputs. A folder is told by the files in it.
        """
        with tempfile.TemporaryDirectory() as folder:
            events = Path(folder, "events.json")
            self._run(
                "build",
                "--remote_download_outputs=toplevel",
                f"--build_event_json_file={events}",
                *([f"--output_groups={','.join(groups)}"] if groups else []),
                *self.flags,
                "--",
                *labels,
            )
            told = self._told(events)
        root = Path(self._run("info", *self.flags, "execution_root", captured=True).strip())
        return {label: [root / name for name in told.get(_plain(label), [])] for label in labels}

    def _told(self, events: Path) -> dict[str, list[str]]:
        """Return the outputs of each label, as a file of build events has them."""
        try:
            lines = events.read_text(encoding="utf-8").splitlines()
            return outputs(json.loads(line) for line in lines)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise OciError(
                f"{shlex.join(self._words)} doesn't tell what it has built ({error!r}); name your"
                " Bazel in --bazel"
            ) from None

    def build_layers(self, labels: list[str]) -> None:
        """Build layers that only a cache has: what `layers.locate` calls."""
        self._run("build", "--remote_download_outputs=toplevel", *self.flags, "--", *labels)

    def _run(self, command: str, *words: str, captured: bool = False) -> str:
        line = [*self._words, command, *words]
        try:
            done = subprocess.run(
                line,
                cwd=self.workspace,
                # What a build prints must not mix with our standard output.
                stdout=subprocess.PIPE if captured else 2,
                stderr=subprocess.PIPE if captured else None,
                text=True,
                errors="replace",
                check=False,
            )
        except OSError as error:
            raise OciError(f"{line[0]}: {error.strerror}; name your Bazel in --bazel") from None
        if done.returncode:
            # Where it wasn't captured Bazel has said it already.
            sys.stderr.write(done.stderr or "")
            raise OciError(f"{shlex.join([*self._words, command])}: exit status {done.returncode}")
        return done.stdout or ""


def _plain(label: str) -> str:
    """A label as build events have it: those of the main repository without `@@`."""
    return label.removeprefix("@@") if label.startswith("@@//") else label


def outputs(events: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the outputs of each label of a build's events, relative to the execution root."""
    files: dict[str, list[str]] = {}
    nested: dict[str, list[str]] = {}
    built: dict[str, list[str]] = {}
    for event in events:
        identity = event["id"]
        if "namedSet" in identity:
            told = event["namedSetOfFiles"]
            key = identity["namedSet"]["id"]
            files[key] = [
                "/".join((*one.get("pathPrefix", ()), one["name"])) for one in told.get("files", ())
            ]
            nested[key] = [one["id"] for one in told.get("fileSets", ())]
        if "targetCompleted" in identity and "completed" in event:
            label = _plain(identity["targetCompleted"]["label"])
            built.setdefault(label, []).extend(
                one["id"]
                for group in event["completed"].get("outputGroup", ())
                for one in group.get("fileSets", ())
            )
    found: dict[str, list[str]] = {}
    for label, keys in built.items():
        left, seen = list(keys), set(keys)
        found[label] = []
        while left:
            key = left.pop()
            found[label] += files.get(key, [])
            left += [other for other in nested.get(key, []) if other not in seen]
            seen.update(nested.get(key, []))
    return found
