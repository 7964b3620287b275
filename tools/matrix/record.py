"""Record in catalog/results.json which images were built and tested here.

It builds nothing: like matrix_status, it reads the image layouts in bazel-bin and the reports in
bazel-testlogs, of the configuration that `bazel run` was called with. Images without outputs keep
their results, unless the catalog no longer has them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tools.catalog import load, proofs, results, target_names
from tools.catalog.catalog_error import CatalogError
from tools.catalog.results import FAILED, PASSED, SKIPPED, Result, Results
from tools.cli import atomic, command
from tools.inputs.inputs import Inputs
from tools.matrix import outputs, status
from tools.matrix.outputs import UnreadableError
from tools.packages.lines import LockError

_STATES = {status.TESTED: PASSED, status.SKIPPED: SKIPPED, status.FAILED: FAILED}


def _image(found: status.Status, old: Result | None, inputs: str | None) -> Result | None:
    """What an image's tests ended with; None where they have not run.

    A digest that was recorded keeps its inputs: the same image isn't made of anything else, so
    where the checkout's differ, bazel-bin is older than the checkout.
    """
    if found.state not in _STATES:
        return None
    digest = found.layout.digest if found.layout else None
    if old is not None and old.inputs is not None and digest == old.digest:
        inputs = old.inputs
    return Result(
        state=_STATES[found.state],
        passed=found.tests.passed if found.tests else 0,
        skipped=len(found.tests.skipped) if found.tests else 0,
        digest=digest,
        inputs=inputs if digest else None,
    )


def _fixture(test: str, folder: Path) -> Result | None:
    """What a fixture's test ended with; None where it has not run."""
    logs = folder / "testlogs" / test.removeprefix("//").replace(":", "/")
    try:
        ran = outputs.tests(logs)
    except UnreadableError as error:
        raise CatalogError(logs, None, "", str(error), "run the test again") from None
    if ran is None:
        return None
    state = FAILED if ran.failed else SKIPPED if ran.skipped or not ran.passed else PASSED
    return Result(state, ran.passed, len(ran.skipped))


def merged(
    old: Results,
    images: Iterable[status.Status],
    tests: Iterable[str],
    folder: Path,
    inputs: Callable[[status.Status], str | None],
) -> Results:
    """``old`` with what there is to be seen now, and without what the catalog lost.

    Args:
        old: the results so far.
        images: the status of every image of the catalog.
        tests: the tests of all fixtures.
        folder: Bazel's output folder of one configuration.
        inputs: what an image of the checkout is made of, as a digest.
    """
    found: dict[str, dict[str, Result]] = {}
    for one in images:
        before = old.images.get(one.index, {}).get(one.platform)
        result = _image(one, before, inputs(one)) or before
        if result is not None:
            found.setdefault(one.index, {})[one.platform] = result
    proved = {test: _fixture(test, folder) or old.fixtures.get(test) for test in tests}
    return Results(found, {test: result for test, result in proved.items() if result is not None})


def _changes(old: Mapping[str, Result], new: Mapping[str, Result]) -> list[str]:
    lines = [
        f"{new[name].state}: {name} ({new[name].passed} passed, {new[name].skipped} skipped)"
        for name in sorted(new)
        if new[name] != old.get(name)
    ]
    return lines + [f"removed: {name}" for name in sorted(set(old) - set(new))]


def _flat(made: Results) -> dict[str, Result]:
    rows = {
        target_names.image(index, platform): result
        for index, platforms in made.images.items()
        for platform, result in platforms.items()
    }
    return rows | dict(made.fixtures)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = command.parser(
        "record",
        "Record in catalog/results.json which images have been built and tested here, from\n"
        "Bazel's output folder; pages show it.",
        "\n--events build.json",
    )
    outputs.add_options(options)
    asked = options.parse_args(arguments)

    def made() -> str:
        folder = command.checkout() / "catalog"
        shown = Path("catalog")
        out = asked.outputs or status.output_folder(Path.cwd())
        for file in (out, *asked.events):
            if not file.exists():
                raise CatalogError(file, None, "", "no such file or folder", "check the path")
        old = results.read(folder, shown)
        catalog = load.load(folder, shown)
        families = status.built_families(folder, shown)
        builds = {f"images/{family.name}": family.build for family in families}
        inputs = Inputs(command.checkout(), catalog)
        found = status.statuses(catalog, out, asked.events, families)
        tests = proofs.read(folder, shown).all_tests()
        new = merged(
            old,
            found,
            tests,
            out,
            lambda one: inputs.of(one.image, one.platform, builds.get(one.package)),
        )
        lines = _changes(_flat(old), _flat(new))
        atomic.write(folder / results.FILE, results.text(new))
        return "".join(f"{line}\n" for line in lines) or "nothing new\n"

    return command.run(made, errors=(LockError,))


if __name__ == "__main__":
    sys.exit(main())
