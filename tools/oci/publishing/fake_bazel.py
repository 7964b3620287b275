"""A stand-in for Bazel: it answers queries from a table, and finds what is "built" lying there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PROGRAM = """\
#!{python}
import json, pathlib, sys
here = pathlib.Path({here!r})
told = json.loads((here / "bazel.json").read_text())
with (here / "calls").open("a") as calls:
    print(json.dumps(sys.argv[1:]), file=calls)
command, words = sys.argv[1], sys.argv[2:]
if command == "query":
    kind = "compiles" if "cpython" in words[-1] else "images"
    for key, found in told[kind].items():
        if '"' + key + '"' in words[-1]:
            print("\\n".join(found))
elif command == "info":
    print(here)
else:
    (events,) = [w.partition("=")[2] for w in words if w.startswith("--build_event_json_file=")]
    groups = [w.partition("=")[2] for w in words if w.startswith("--output_groups=")]
    kind = groups[0] if groups else "default"
    with open(events, "w") as out:
        for number, label in enumerate(words[words.index("--") + 1 :]):
            files = told["outputs"].get(label, {{}}).get(kind, [])
            plain = label.removeprefix("@@")
            sets = [{{"name": kind, "fileSets": [{{"id": str(number)}}]}}] if files else []
            for event in (
                {{
                    "id": {{"namedSet": {{"id": str(number)}}}},
                    "namedSetOfFiles": {{"files": [{{"name": f}} for f in files]}},
                }},
                {{
                    "id": {{"targetCompleted": {{"label": plain}}}},
                    "completed": {{"success": True, "outputGroup": sets}},
                }},
            ):
                print(json.dumps(event), file=out)
"""


class FakeBazel:
    """The program `path`; `folder` is the workspace and the execution root.

    `images` are the labels of each index's images, `compiles` the CPythons of each image, `outputs`
    the files of each label by output group, relative to `folder`.
    """

    def __init__(
        self,
        folder: Path,
        images: Mapping[str, Sequence[str]],
        compiles: Mapping[str, Sequence[str]],
        outputs: Mapping[str, Mapping[str, Sequence[str]]],
    ) -> None:
        self._folder = folder
        told = {"images": images, "compiles": compiles, "outputs": outputs}
        (folder / "bazel.json").write_text(json.dumps(told))
        self.path = folder / "bazel"
        self.path.write_text(_PROGRAM.format(python=sys.executable, here=str(folder)))
        self.path.chmod(0o755)

    def calls(self, command: str) -> list[list[str]]:
        """Return the words of all calls with a command."""
        file = self._folder / "calls"
        lines = file.read_text().splitlines() if file.is_file() else []
        return [call[1:] for call in map(json.loads, lines) if call[0] == command]

    def built(self) -> list[str]:
        """Return the labels that have been built, in order, each once."""
        labels = [word for call in self.calls("build") for word in call[call.index("--") + 1 :]]
        return list(dict.fromkeys(labels))
