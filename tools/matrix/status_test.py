"""The outputs of a build determine each state, and every form shows it."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tools.catalog import family_load, fixture
from tools.catalog.catalog_error import CatalogError
from tools.catalog.load import load
from tools.cli import command
from tools.matrix import outputs, status
from tools.matrix.status import Status

CATALOG = load(fixture.FROZEN)
IMAGE = CATALOG.images()[0]
PLATFORM = IMAGE.platforms[0]
NAME = f"{IMAGE.name}_{PLATFORM}"
SOURCE = "the source of CPython can't be fetched"


@pytest.fixture(autouse=True)
def _checkout(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = fixture.checkout(tmp_path_factory.mktemp("checkout"))
    monkeypatch.setenv("BUILD_WORKSPACE_DIRECTORY", str(folder))


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    made = tmp_path / "bazel-out" / "k8-fastbuild"
    for part in ("bin", "testlogs"):
        (made / part / "images").mkdir(parents=True)
    return made


def write_layout(folder: Path, *layers: int, name: str = NAME) -> str:
    """An image as the assembler leaves it, without its blobs; returns its digest."""
    manifest = json.dumps({"layers": [{"size": size} for size in layers]}).encode()
    value = hashlib.sha256(manifest).hexdigest()
    layout = folder / "bin" / "images" / name
    (layout / "blobs" / "sha256").mkdir(parents=True)
    (layout / "blobs" / "sha256" / value).write_bytes(manifest)
    index = {"manifests": [{"digest": f"sha256:{value}", "size": len(manifest)}]}
    (layout / "index.json").write_text(json.dumps(index))
    return f"sha256:{value}"


def write_report(folder: Path, digest: str, *cases: str, test: str = ".test") -> None:
    """A test.xml as tools/structure_test/report.py writes it."""
    logs = folder / "testlogs" / "images" / (NAME + test)
    logs.mkdir(parents=True)
    body = "".join(f'<testcase name="t{n}">{case}</testcase>' for n, case in enumerate(cases))
    (logs / "test.xml").write_text(
        f'<testsuites><testsuite><properties><property name="image" value="{digest}"/>'
        f"</properties>{body}</testsuite></testsuites>"
    )


def write_events(path: Path, *made: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in made))
    return path


def completed(label: str, *children: str, success: bool = False) -> dict[str, Any]:
    return {
        "id": {"targetCompleted": {"label": label}},
        "children": [{"actionCompleted": {"label": child}} for child in children],
        "completed": {"success": True} if success else {"failureDetail": {"message": "…"}},
    }


def the_one(folder: Path, *events: Path) -> Status:
    (found,) = (
        s
        for s in status.statuses(CATALOG, folder, events)
        if (s.image.name, s.platform) == (IMAGE.name, PLATFORM)
    )
    return found


PASS, FAIL = "", '<failure message="wrong"/>'
SKIP = '<skipped message="no emulator"/>'


def test_images_of_other_families_are_told_apart(folder: Path) -> None:
    catalog = command.checkout() / "catalog"
    family = family_load.load_family("infra7", catalog)
    found = status.statuses(load(catalog), folder, families=[family])
    (one,) = (s for s in found if s.target == "//images/infra7:3.13.15-bookworm_amd64")
    assert one.name == "infra7/3.13.15-bookworm"
    assert len({(s.name, s.platform) for s in found}) == len(found)


def test_what_only_a_cache_has_is_not_built(folder: Path) -> None:
    (folder / "bin" / "images" / NAME).mkdir()
    assert the_one(folder).state == status.MISSING


def test_nothing_is_there_at_first(folder: Path) -> None:
    found = status.statuses(CATALOG, folder)
    assert len(found) == sum(len(image.platforms) for image in CATALOG.images())
    assert {s.state for s in found} == {status.MISSING}


def test_an_image_without_tests(folder: Path) -> None:
    digest = write_layout(folder, 1_000_000, 500)
    found = the_one(folder)
    assert found.state == status.BUILT
    assert found.layout == outputs.Layout(digest, (1_000_000, 500))
    assert found.layout.size == 1_000_500


@pytest.mark.parametrize(
    ("cases", "state", "detail"),
    [
        ([PASS, PASS], status.TESTED, "2 passed, 0 failed, 0 skipped"),
        ([PASS, FAIL, SKIP], status.FAILED, "1 passed, 1 failed, 1 skipped: t1"),
        ([PASS, SKIP, SKIP], status.SKIPPED, "1 passed, 0 failed, 2 skipped: no emulator"),
        ([SKIP], status.SKIPPED, "0 passed, 0 failed, 1 skipped: no emulator"),
        ([], status.SKIPPED, "0 passed, 0 failed, 0 skipped: "),
        (["<error/>"], status.FAILED, "0 passed, 1 failed, 0 skipped: t0"),
    ],
)
def test_what_its_tests_said(folder: Path, cases: list[str], state: str, detail: str) -> None:
    write_report(folder, write_layout(folder, 5), *cases)
    found = the_one(folder)
    assert (found.state, found.detail) == (state, detail)


def test_tests_of_other_bytes_do_not_count(folder: Path) -> None:
    write_layout(folder, 5)
    write_report(folder, "sha256:other", PASS)
    found = the_one(folder)
    assert (found.state, found.tests) == (status.BUILT, None)
    assert found.detail == "its tests ran on an image with other bytes"


def test_an_invalid_image_failed(folder: Path) -> None:
    write_report(folder, write_layout(folder, 5), PASS)
    write_report(folder, "", FAIL, test=".validation")
    assert the_one(folder).state == status.FAILED


def test_unreadable_outputs_are_told(folder: Path) -> None:
    write_layout(folder, 5)
    (folder / "bin" / "images" / NAME / "index.json").write_text("{")
    assert the_one(folder).state == status.FAILED
    assert the_one(folder).detail.startswith(f"{NAME}/index.json: ")
    (folder / "bin" / "images" / NAME / "index.json").write_text('{"manifests": []}')
    assert the_one(folder).detail.startswith(f"{NAME}: not the layout of one image")


def test_a_failed_action_is_the_cause(folder: Path, tmp_path: Path) -> None:
    stderr = tmp_path / "stderr"
    stderr.write_text("make: …\nerror: no module _ssl\nmore\n")
    action = {
        "id": {"actionCompleted": {"label": "//python_images/cpython:x"}},
        "action": {
            "label": "//python_images/cpython:x",
            "type": "CompileCPython",
            "stderr": {"uri": stderr.as_uri()},
        },
    }
    label = f"//images:{IMAGE.tags[-1]}_{PLATFORM}"  # an alias, as people ask for it
    first = write_events(
        tmp_path / "1", action, completed(label, "//python_images/cpython:x"), {"id": {"other": {}}}
    )
    found = the_one(folder, first)
    assert found.state == status.FAILED
    assert found.detail == "CompileCPython of //python_images/cpython:x: error: no module _ssl"
    second = write_events(tmp_path / "2", completed(label, success=True))
    assert the_one(folder, first, second).state == status.MISSING
    assert the_one(folder, second, first).state == status.FAILED


def test_an_interrupted_build_did_not_fail(folder: Path, tmp_path: Path) -> None:
    event = completed(f"//images:{NAME}")
    del event["completed"]
    event["aborted"] = {"reason": "USER_INTERRUPTED"}
    assert the_one(folder, write_events(tmp_path / "1", event)).state == status.MISSING
    event["aborted"] = {"reason": "ANALYSIS_FAILURE", "description": "error: bad"}
    assert the_one(folder, write_events(tmp_path / "2", event)).detail == "error: bad"


def test_a_source_out_of_reach_is_so_for_all_images_of_it(folder: Path, tmp_path: Path) -> None:
    label = f"//external:_main~catalog~cpython_source_{IMAGE.version.release.number}"
    fetch = {
        "id": {"unconfiguredLabel": {"label": label}},
        "aborted": {
            "reason": "LOADING_FAILURE",
            "description": f"com.google.devtools.X$AlreadyReported: \n{SOURCE}\n(12) from any of:",
        },
    }
    target = {
        "id": {"targetConfigured": {"label": f"//images:{NAME}.test"}},
        "children": [{"unconfiguredLabel": {"label": label}}],
        "aborted": {"reason": "ANALYSIS_FAILURE"},
    }
    found = status.statuses(CATALOG, folder, [write_events(tmp_path / "1", fetch, target)])
    number = IMAGE.version.release.number  # a free-threaded build has the same source
    unfetchable = {s.image.name for s in found if s.state == status.UNFETCHABLE}
    assert unfetchable == {i.name for i in CATALOG.images() if i.version.release.number == number}
    assert {s.detail for s in found if s.state == status.UNFETCHABLE} == {SOURCE}


class Page(HTMLParser):
    """What a page refers to, and its cells' facts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.cells: list[dict[str, Any]] = []
        self.labels: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect references and cells."""
        for name, value in attrs:
            if name in ("src", "href", "action") and value:
                self.references.append(value)
            if name == "data-cell" and value:
                self.cells.append(json.loads(value))
                self.labels.append(dict(attrs)["aria-label"] or "")


def test_text_json_and_page_agree(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = write_layout(folder, 41_000_000, 400_000)
    write_report(folder, digest, PASS, '<skipped message="&lt;/script&gt; &amp; &quot;"/>')
    page, document = tmp_path / "new" / "s.html", tmp_path / "s.json"
    arguments = ["--outputs", str(folder), "--html", str(page), "--json", str(document)]
    assert status.main(arguments) == 0
    text = capsys.readouterr().out
    assert f"~ {NAME}  41.4 MB  {digest}" in text
    assert re.search(rf"^{re.escape(IMAGE.name)} +~  41\.4 +·", text, re.MULTILINE)
    assert re.search(r"^ +1  ~ tests skipped ", text, re.MULTILINE)

    facts = json.loads(document.read_text())
    assert facts[0] == {
        "image": IMAGE.name,
        "version": IMAGE.version.name,
        "variant": IMAGE.variant.on(IMAGE.suite.name),
        "platform": PLATFORM,
        "target": f"//images:{NAME}",
        "state": "tests skipped",
        "detail": '1 passed, 0 failed, 1 skipped: </script> & "',
        "digest": digest,
        "size": 41_400_000,
        "layers": [41_000_000, 400_000],
        "passed": 1,
        "failed": [],
        "skipped": 1,
    }
    shown = Page(page.read_text())
    assert shown.cells == facts
    assert shown.labels[0] == f"{IMAGE.name}, {PLATFORM}: tests skipped, 41.4 MB"
    assert shown.references == []
    assert "://" not in page.read_text()


def test_bad_arguments_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert status.main(["--outputs", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_output_folder_is_the_program_s_own() -> None:
    run = Path("/b/execroot/_main/bazel-out/k8-opt-ST-1/bin/tools/matrix/status.runfiles/_main")
    assert status.output_folder(run) == Path("/b/execroot/_main/bazel-out/k8-opt-ST-1")
    with pytest.raises(CatalogError, match="give --outputs"):
        status.output_folder(Path("/usr/bin/x"))
