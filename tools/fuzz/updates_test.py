"""Answers of the servers that `//tools:update` asks: what is no answer is an UnreachableError."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import lzma
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.tags import release
from tools.fuzz.inputs import damaged, hostile, hostile_few, in_time, json_like
from tools.modules import facts
from tools.update import candidate, debian, modules, python_org
from tools.update.fake_sources import DEBIAN_CSV, archive, sha256, source
from tools.update.fetch import Fetcher, UnreachableError

ARCHIVE = debian.Archive("http://127.0.0.1/debian", None)
INDEX = b"""\
Package: python3.14
Checksums-Sha256:
 %s 5 python3.14_3.14.7.orig.tar.xz
Directory: pool/main/p/python3.14

Package: distro-info-data
Checksums-Sha256:
 %s 5 distro-info-data_2026.1.tar.xz
Directory: pool/main/d/distro-info-data
""" % (b"a" * 64, b"b" * 64)
RELEASE = b"""\
-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

Origin: Debian
Version: 13.7
Architectures: amd64 arm64
SHA256:
 %s 5 main/source/Sources.xz
-----BEGIN PGP SIGNATURE-----

=none
-----END PGP SIGNATURE-----
"""
SOURCE = source("3.14.7")
TABLE = archive({"distro-info-data/debian.csv": DEBIAN_CSV})
# Beside those that json_like knows.
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(
            (
                "name", "resource_uri", "release_date", "url", "sha256_sum", "sigstore_bundle_file",
                "end_of_life", "versions", "yanked_versions",
            )
        ),
        json_like()
        | st.sampled_from(
            (
                "Python 3.14.7", "https://www.python.org/api/v2/downloads/release/1/", "2026-01-01",
                "https://www.python.org/ftp/python/3.14.7/Python-3.14.7.tar.xz", "2030-10",
            )
        ),
    ),
    max_size=3,
)  # fmt: skip
BUNDLES = st.fixed_dictionaries(
    {
        "messageSignature": st.fixed_dictionaries(
            {
                "messageDigest": st.fixed_dictionaries(
                    {
                        "algorithm": st.just("SHA2_256") | json_like(),
                        "digest": st.text(max_size=9) | json_like(),
                    }
                )
                | json_like()
            }
        )
        | json_like()
    }
)


class Answers(Fetcher):
    """Gives what is put here by the end of the address, and the last of them for all others."""

    def __init__(self, **answers: bytes) -> None:
        super().__init__(io.StringIO())
        self._answers = answers

    def get(self, url: str, label: str) -> bytes:
        """The answer to an address."""
        assert label
        found = [data for end, data in self._answers.items() if url.endswith(end)]
        return found[0] if found else list(self._answers.values())[-1]

    def stream(self, url: str, label: str, take: Any) -> None:
        """The answer, as one piece."""
        take(self.get(url, label))


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


@hostile
@given(damaged(st.just(RELEASE % b"0" * 64)))
def test_release_files(data: bytes) -> None:
    with in_time(), contextlib.suppress(UnreachableError):
        debian.release(ARCHIVE, "trixie", Answers(InRelease=data))


@hostile
@given(
    data=damaged(st.just(lzma.compress(INDEX))) | damaged(st.just(INDEX)).map(lzma.compress),
)
def test_source_indexes(data: bytes) -> None:
    signed = RELEASE % hashlib.sha256(data).hexdigest().encode()
    with in_time(), contextlib.suppress(UnreachableError):
        files = debian.sources(ARCHIVE, "sid", Answers(InRelease=signed, xz=data))
        debian.candidates(ARCHIVE, files)


@hostile
@given(
    data=damaged(st.just(TABLE))
    | damaged(st.just(DEBIAN_CSV.encode())).map(
        lambda table: archive({"debian.csv": table.decode("latin-1")})
    ),
)
def test_ends_of_support(data: bytes) -> None:
    file = debian.SourceFile("distro-info-data_1.tar.xz", "pool/d/x.tar.xz", sha256(data))
    with in_time(), contextlib.suppress(UnreachableError):
        debian.ends_of_life(ARCHIVE, [file], Answers(xz=data))


@hostile_few
@given(damaged(st.just(SOURCE)))
def test_sources_of_python(data: bytes) -> None:
    offer = candidate.Candidate(release("3.14.7"), sha256(data), "http://a/x.xz", "a", None)
    with in_time(), contextlib.suppress(UnreachableError, candidate.MismatchError):
        candidate.verify([offer], Answers(xz=data))


@hostile
@given(rows=ROWS | json_like(), bundle=BUNDLES | json_like())
def test_what_python_org_says(rows: object, bundle: object) -> None:
    site = python_org.SITE
    with in_time(), contextlib.suppress(UnreachableError):
        python_org.releases(site, Answers(json=dump(rows)))
    with in_time(), contextlib.suppress(UnreachableError):
        wanted = [(release("3.14.7"), "1", None)]
        python_org.published(site, wanted, Answers(sigstore=dump(bundle), json=dump(rows)))
    with in_time(), contextlib.suppress(UnreachableError):
        ends = python_org.ends_of_life(site, Answers(json=dump({"3.14": rows, "3.13": bundle})))
        assert all(len(end) in (7, 10) for end in ends.values())


@hostile_few
@given(metadata=json_like() | ROWS.map(lambda rows: rows[0] if rows else {}))
def test_what_the_module_registry_says(metadata: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "MODULE.bazel").write_text('bazel_dep(name = "a", version = "1")\n')
        (root / facts.FILE).parent.mkdir(parents=True)
        (root / facts.FILE).write_text(facts.Facts("https://r.example", "2026-05-01", {}).text())
        today = datetime.date(2026, 6, 1)
        with in_time(), contextlib.suppress(UnreachableError):
            renewed = modules.renewed(root, None, today, Answers(json=dump(metadata)))
            assert renewed.text().encode()


def test_the_whole_inputs_are_read() -> None:
    data = lzma.compress(INDEX)
    signed = RELEASE % sha256(data).encode()
    files = debian.sources(ARCHIVE, "sid", Answers(InRelease=signed, xz=data))
    assert [str(one.release) for one in debian.candidates(ARCHIVE, files)] == ["3.14.7"]
    file = debian.SourceFile("distro-info-data_1.tar.xz", "pool/d/x.tar.xz", sha256(TABLE))
    assert "trixie" in debian.ends_of_life(ARCHIVE, [file], Answers(xz=TABLE))
    offer = candidate.Candidate(release("3.14.7"), sha256(SOURCE), "http://a/x.xz", "a", None)
    assert candidate.verify([offer], Answers(xz=SOURCE)).sha256 == sha256(SOURCE)
