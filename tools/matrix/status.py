"""Show which images of the matrix are built and tested: version × variant × platform.

It builds nothing. It reads Bazel's output folder, bazel-bin and bazel-testlogs, of the
configuration that `bazel run` was called with. Failed builds leave nothing there; `--events` names
their build event files.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from tools.catalog import family_images, family_load, family_options, load, target_names
from tools.catalog.catalog_error import CatalogError
from tools.catalog.family import Family
from tools.catalog.model import Catalog, Image
from tools.cli import atomic, command
from tools.matrix import outputs
from tools.matrix.outputs import Failure, Layout, Tests, UnreadableError
from tools.testing.summary import EventError

# States of an image, worst first; the words people read.
FAILED = "failed"
UNFETCHABLE = "not fetchable here"
SKIPPED = "tests skipped"
BUILT = "built"
TESTED = "tested"
MISSING = "not built"
STATES = {
    TESTED: "every structure test passed",
    SKIPPED: "no test failed, but this machine could not run all of them",
    BUILT: "there is an image; its tests have not run since it was built",
    FAILED: "the build or a test failed",
    UNFETCHABLE: "the source or a package can't be fetched from this machine",
    MISSING: "neither an image nor a failure to be seen",
}
SIGNS = {TESTED: "✓", SKIPPED: "~", BUILT: "+", FAILED: "✗", UNFETCHABLE: "⊘", MISSING: "·"}
_COLOURS = {TESTED: "32", SKIPPED: "33", BUILT: "36", FAILED: "31", UNFETCHABLE: "35"}

_TEMPLATE = Path(__file__).parent / "templates" / "status.html.j2"


@dataclass(frozen=True)
class Status:
    """One image of one platform, and what became of it.

    Attributes:
        image: its name, without the platform.
        platform: the catalog's name of it.
        state: a key of STATES.
        layout: None where there is no image.
        tests: None where its structure tests have not run, or ran on other bytes.
        detail: a sentence: why it failed, or what was skipped.
        package: where its target is; each family that is built has its own.
    """

    image: Image
    platform: str
    state: str
    detail: str
    layout: Layout | None
    tests: Tests | None
    package: str = "images"

    @property
    def index(self) -> str:
        """What Bazel calls the index of all its platforms."""
        return f"//{self.package}:{self.image.name}"

    @property
    def published(self) -> bool:
        """Whether the index that people pull has it; the others can be built."""
        archived = self.image.archived or self.image.version.archived
        return not archived and self.platform in self.image.platforms

    @property
    def target(self) -> str:
        """What Bazel calls it."""
        return target_names.image(self.index, self.platform)

    @property
    def name(self) -> str:
        """The image's name, after that of its family if it isn't //images'."""
        return "/".join([*self.package.split("/")[1:], self.image.name])


def _failure(
    package: str, image: Image, platform: str, failures: Mapping[str, Failure]
) -> Failure | None:
    """Why the image or its test could not be made; any of its tags may have been asked for."""
    for tag in image.tags:
        name = target_names.image(tag, platform)
        for suffix in ("", ".test", ".validation"):
            if failure := failures.get(f"//{package}:{name}{suffix}"):
                return failure
    return failures.get("cpython_source_" + image.version.release.number)


def _counts(tests: Tests) -> str:
    return f"{tests.passed} passed, {len(tests.failed)} failed, {len(tests.skipped)} skipped"


def _judge(layout: Layout, tests: Tests | None, validation: Tests | None) -> tuple[str, str]:
    """State and detail of an image that is there."""
    if validation is not None and validation.failed:
        return FAILED, "not a valid image: see its .validation test"
    if tests is None:
        return BUILT, ""
    if tests.failed:
        return FAILED, f"{_counts(tests)}: {', '.join(tests.failed)}"
    if tests.image != layout.digest:
        return BUILT, "its tests ran on an image with other bytes"
    if tests.skipped or not tests.passed:
        return SKIPPED, f"{_counts(tests)}: {'; '.join(sorted(set(tests.skipped)))}"
    return TESTED, _counts(tests)


def _status(
    package: str, image: Image, platform: str, folder: Path, failures: Mapping[str, Failure]
) -> Status:
    name = target_names.image(image.name, platform)
    logs = folder / "testlogs" / package
    layout = tests = None
    try:
        layout = outputs.layout(folder / "bin" / package / name)
        tests = outputs.tests(logs / f"{name}.test")
        validation = outputs.tests(logs / f"{name}.validation")
    except UnreadableError as error:
        return Status(image, platform, FAILED, str(error), layout, None, package)
    if failure := _failure(package, image, platform, failures):
        state = UNFETCHABLE if failure.fetch else FAILED
        return Status(image, platform, state, failure.reason, layout, None, package)
    if layout is None:
        return Status(image, platform, MISSING, "", None, None, package)
    state, detail = _judge(layout, tests, validation)
    return Status(
        image, platform, state, detail, layout, None if state == BUILT else tests, package
    )


def statuses(
    catalog: Catalog, folder: Path, events: Iterable[Path] = (), families: Iterable[Family] = ()
) -> list[Status]:
    """The status of every image of every platform, archived ones too, in the catalog's order.

    Args:
        catalog: whose images.
        folder: Bazel's output folder of one configuration, with `bin` and `testlogs`.
        events: build event files, oldest first.
        families: others that are built, whose images come after the catalog's.

    Raises:
        CatalogError: a file of `events` isn't a build event file.
    """
    try:
        failures = outputs.failures(events)
    except EventError as error:
        remedy = "name a file that bazel … --build_event_json_file=FILE wrote"
        raise CatalogError(error.path, error.line, "", error.reason, remedy) from None
    packages: dict[str, dict[str, Image]] = {
        "images": {image.name: image for image in catalog.all_images()}
    }
    for family in families:
        there = packages.setdefault(f"images/{family.name}", {})
        there |= {image.name: image for image in family_images.images(family, catalog)}
    return [
        _status(package, image, platform, folder, failures)
        for package, images in packages.items()
        for image in images.values()
        for platform in (*image.platforms, *image.apart)
    ]


def built_families(folder: Path, shown: Path) -> list[Family]:
    """The families that are built, as they are with all sources and with mirrored ones alone.

    The outputs of a build don't tell which of the two it had.
    """
    return [
        family for sources in load.SOURCES for family in family_load.built(folder, shown, sources)
    ]


def output_folder(program: Path) -> Path:
    """The output folder a program run by Bazel is part of, such as ``bazel-out/k8-fastbuild``.

    Raises:
        CatalogError: `program` isn't below one.
    """
    parts = program.parts
    for end in range(len(parts) - 1, 2, -1):
        if parts[end] == "bin" and parts[end - 2] == "bazel-out":
            return Path(*parts[:end])
    raise CatalogError(program, None, "", "is not in Bazel's output folder", "give --outputs")


def _size(layout: Layout | None) -> str:
    return f"{layout.size / 1e6:.1f}" if layout else ""


def _grid(found: Sequence[Status], platforms: Sequence[str]) -> list[str]:
    rows: dict[str, dict[str, Status]] = {}
    for status in found:
        rows.setdefault(status.name, {})[status.platform] = status
    width = max((len(name) for name in rows), default=0)
    lines = [command.coloured(" " * width + "".join(f"{p:>10}" for p in platforms), "1")]
    for name, cells in rows.items():
        line = name.ljust(width)
        for platform in platforms:
            if (cell := cells.get(platform)) is None:
                line += " " * 10
                continue
            shown = f"{SIGNS[cell.state]} {_size(cell.layout):>5}".rjust(10)
            line += command.coloured(shown, _COLOURS.get(cell.state, "2"))
        lines.append(line.rstrip())
    return lines


def _line(status: Status) -> str:
    line = f"{SIGNS[status.state]} {status.name}_{status.platform}"
    if status.layout:
        line += f"  {_size(status.layout)} MB  {status.layout.digest}"
    return f"{line}\n    {status.state}{': ' if status.detail else ''}{status.detail}"


def text(found: Sequence[Status], platforms: Sequence[str]) -> str:
    """A grid of signs and sizes, what the signs mean, and all that isn't simply not built."""
    lines = [*_grid(found, platforms), "", "sizes: MB, all layers compressed", ""]
    for state, meaning in STATES.items():
        number = sum(status.state == state for status in found)
        lines.append(f"{number:5}  {SIGNS[state]} {state:<18}  {meaning}")
    told = [_line(status) for status in found if status.state != MISSING]
    return "\n".join([*lines, *([""] if told else []), *told]) + "\n"


def facts(status: Status) -> dict[str, object]:
    """A status for programs; sizes in bytes."""
    layout, tests = status.layout, status.tests
    return {
        "image": status.name,
        "version": status.image.version.name,
        "variant": status.image.variant.on(status.image.suite.name),
        "platform": status.platform,
        "target": status.target,
        "state": status.state,
        "detail": status.detail,
        "digest": layout.digest if layout else None,
        "size": layout.size if layout else None,
        "layers": list(layout.layers) if layout else None,
        "passed": tests.passed if tests else None,
        "failed": list(tests.failed) if tests else None,
        "skipped": len(tests.skipped) if tests else None,
    }


def html(found: Sequence[Status], platforms: Sequence[str]) -> str:
    """A page of its own: no other file, no network, no program of the reader's but the browser."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE.parent),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    rows: dict[str, dict[str, Mapping[str, object]]] = {}
    for status in found:
        rows.setdefault(status.name, {})[status.platform] = facts(status)
    return environment.get_template(_TEMPLATE.name).render(
        platforms=platforms,
        rows=rows,
        versions=list(dict.fromkeys(status.image.version.name for status in found)),
        variants=list(dict.fromkeys(str(facts(status)["variant"]) for status in found)),
        states=STATES,
        signs=SIGNS,
        counts={state: sum(s.state == state for s in found) for state in STATES},
        total=len(found),
    )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "matrix_status",
        "Show which images of the matrix are built and tested, from Bazel's output folder.",
        "\n--html status.html --json status.json\n--events build.json",
    )
    options.add_argument(
        "--json", type=command.given, metavar="FILE", help="also write JSON to FILE"
    )
    options.add_argument(
        "--html", type=command.given, metavar="FILE", help="also write a page to FILE"
    )
    outputs.add_options(options)
    family_options.add_catalog(options)
    asked = options.parse_args(arguments)

    def made() -> str:
        folder = family_options.directory(asked.catalog)
        catalog = load.load(folder, command.shown(folder))
        out = asked.outputs or output_folder(Path.cwd())
        for file in (out, *asked.events):
            if not file.exists():
                raise CatalogError(file, None, "", "no such file or folder", "check the path")
        families = built_families(folder, command.shown(folder))
        every = statuses(catalog, out, asked.events, families)
        found = [status for status in every if status.published or status.state != MISSING]
        platforms = [p for p in catalog.platforms if any(s.platform == p for s in found)]
        if asked.json:
            atomic.write(asked.json, command.as_json([facts(status) for status in found]))
        if asked.html:
            atomic.write(asked.html, html(found, platforms))
        return text(found, platforms)

    return command.run(made)


if __name__ == "__main__":
    sys.exit(main())
