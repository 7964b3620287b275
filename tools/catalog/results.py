"""catalog/results.json: which images have been built and run here, and which fixtures have passed.

A program writes it (tools/matrix/record.py), from the outputs of builds and tests. Nobody else
does: an image that has not run has no entry, and is shown as unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.catalog.catalog_error import CatalogError

FILE = "results.json"
COMMAND = "./bazelw run //tools:record"
SCHEMA = "schema/results.schema.json"

PASSED = "passed"
SKIPPED = "skipped"
FAILED = "failed"
_DIGEST = re.compile("sha256:[0-9a-f]{64}")

STATES = (PASSED, SKIPPED, FAILED)


@dataclass(frozen=True)
class Result:
    """What a test ended with.

    Attributes:
        state: one of STATES. ``skipped``: none of its cases failed, some could not run there.
        passed: how many of its cases passed.
        skipped: how many could not run.
        digest: of the image that was tested; None of a fixture, and where a build failed.
        inputs: of what that image was made of (tools/inputs); None where that isn't recorded.
    """

    state: str
    passed: int
    skipped: int
    digest: str | None = None
    inputs: str | None = None


@dataclass(frozen=True)
class Results:
    """All results that are recorded.

    Attributes:
        images: by index (``//images:3.14.7-slim-trixie``) and platform.
        fixtures: by test.
    """

    images: Mapping[str, Mapping[str, Result]] = field(default_factory=dict)
    fixtures: Mapping[str, Result] = field(default_factory=dict)

    def state(self, image: str, platform: str) -> str | None:
        """The state of an image; None where nothing is known."""
        result = self.images.get(image, {}).get(platform)
        return None if result is None else result.state

    def inputs(self, image: str, platform: str) -> str | None:
        """What is recorded of the inputs of an image; None where nothing is."""
        result = self.images.get(image, {}).get(platform)
        return None if result is None else result.inputs

    def tested(self, image: str) -> list[str]:
        """The platforms for which all tests of an image have passed."""
        return [
            platform
            for platform, result in self.images.get(image, {}).items()
            if result.state == PASSED
        ]


def _result(shown: Path, key: str, value: object, *, image: bool) -> Result:
    def wrong(problem: str) -> CatalogError:
        return CatalogError(shown, None, key, problem, f"write the file by {COMMAND}")

    if not isinstance(value, dict):
        raise wrong("is no result")
    unknown = set(value) - {"state", "passed", "skipped", *(["digest", "inputs"] if image else [])}
    if unknown:
        raise wrong(f"unknown key {min(unknown)!r}")
    state, digest, inputs = value.get("state"), value.get("digest"), value.get("inputs")
    passed, skipped = value.get("passed", -1), value.get("skipped", -1)
    if state not in STATES:
        raise wrong(f"unknown state {state!r}")
    if not all(type(count) is int and count >= 0 for count in (passed, skipped)):
        raise wrong("needs the numbers of cases that passed and were skipped")
    if state == PASSED and not passed:
        raise wrong("passed without a case that passed")
    if digest is None and image and state != FAILED:
        raise wrong("doesn't say which image was tested")
    for one in (digest, inputs):
        if one is not None and not (isinstance(one, str) and _DIGEST.fullmatch(one)):
            raise wrong(f"{one!r} is no digest")
    return Result(state, passed, skipped, digest, inputs)


def read(directory: Path, shown: Path | None = None) -> Results:
    """The results beside a catalog; none where it has no such file.

    Raises:
        CatalogError: the file isn't as tools/matrix/record.py writes it.
    """
    file = directory / FILE
    label = (shown or directory) / FILE
    if not file.is_file():
        return Results()

    def wrong(problem: str) -> CatalogError:
        return CatalogError(label, None, "", problem, f"write the file by {COMMAND}")

    try:
        made: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise wrong(f"not JSON: {error}") from None
    if not isinstance(made, dict) or set(made) - {"$schema", "images", "fixtures"}:
        raise wrong("has other keys than $schema, images and fixtures")
    images, fixtures = made.get("images", {}), made.get("fixtures", {})
    rows = [images, fixtures, *(images.values() if isinstance(images, dict) else ())]
    if not all(isinstance(row, dict) for row in rows):
        raise wrong("images and fixtures have to be objects")
    return Results(
        images={
            name: {
                platform: _result(label, f"images.{name}.{platform}", value, image=True)
                for platform, value in platforms.items()
            }
            for name, platforms in images.items()
        },
        fixtures={
            name: _result(label, f"fixtures.{name}", value, image=False)
            for name, value in fixtures.items()
        },
    )


def _facts(result: Result) -> dict[str, object]:
    made: dict[str, object] = {
        "state": result.state,
        "passed": result.passed,
        "skipped": result.skipped,
    }
    optional = {"digest": result.digest, "inputs": result.inputs}
    return made | {name: value for name, value in optional.items() if value}


def text(results: Results) -> str:
    """The file that holds ``results``: sorted, the same for the same results."""
    made = {
        "$schema": SCHEMA,
        "fixtures": {name: _facts(result) for name, result in results.fixtures.items()},
        "images": {
            name: {platform: _facts(result) for platform, result in platforms.items()}
            for name, platforms in results.images.items()
            if platforms
        },
    }
    return json.dumps(made, indent=1, sort_keys=True) + "\n"
