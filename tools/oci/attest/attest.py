"""Attach bills of materials and provenance to pushed images, and sign images and documents.

What there is to attach is a plan, JSON written by the build: `{"name", "layout", "attestations":
[{"spdx", "cyclonedx", "provenance"}, …]}`, with `vex` where an image is patched.
"""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.cli import program, usage
from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import Json, OciError, parse
from tools.oci.attest import about, referrers
from tools.oci.attest.cosign import Cosign
from tools.oci.attest.referrers import Document
from tools.oci.registry.client import Client
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport
from tools.text import quote

_HERE = Path()


@dataclasses.dataclass(frozen=True)
class Statements:
    """The documents about one image, whose descriptor is `subject`."""

    subject: Json
    documents: tuple[Document, ...]
    provenance: Path


# Name and layout of an image or index, and what there is to attach to each of its images.
Entry = tuple[str, Layout, list[Statements]]


def read_plan(path: Path, base: Path = _HERE) -> Entry:
    """Return what a plan says; its paths are relative to `base`.

    RegistryError where a document is about an image that isn't in the layout, and where an image of
    the layout has none.
    """
    told = parse(path.read_bytes(), path)
    layout = Layout(base / told["layout"])
    subjects = {entry["digest"]: entry for entry, _ in layout.images()}
    statements = [
        _statements({kind: base / file for kind, file in files.items()}, subjects)
        for files in told["attestations"]
    ]
    check_complete(told["name"], layout, statements)
    return told["name"], layout, statements


def check_complete(name: str, layout: Layout, statements: Sequence[Statements]) -> None:
    """Check that there are statements about each image of a layout. RegistryError."""
    images = {entry["digest"] for entry, _ in layout.images()}
    if missing := images - {one.subject["digest"] for one in statements}:
        raise RegistryError(f"{name}: no document is about {', '.join(sorted(missing))}")


def _statements(files: dict[str, Path], subjects: dict[str, Json]) -> Statements:
    spdx, cyclonedx, provenance = (files[kind] for kind in ("spdx", "cyclonedx", "provenance"))
    digest = about.provenance(provenance)
    told_by = {
        provenance: digest,
        spdx: about.spdx(spdx),
        cyclonedx: about.cyclonedx(cyclonedx),
    }
    # Of images with patches; without a statement it is about nothing.
    vex = [files["vex"]] if "vex" in files else []
    vex = [path for path in vex if parse(path.read_bytes(), path).get("statements") != []]
    told_by |= {path: about.vex(path) for path in vex}
    for path, told in told_by.items():
        if told not in subjects or told != digest:
            raise RegistryError(
                f"{path}: is about {told}, which is not the image to attach it to; build both again"
            )
    created = about.created(cyclonedx)
    # Read again when it's signed; by then others are attached.
    about.predicate(provenance)
    return Statements(
        subjects[digest],
        (
            Document(spdx, referrers.SPDX_TYPE, created),
            Document(cyclonedx, referrers.CYCLONEDX_TYPE, created),
            Document(provenance, referrers.PROVENANCE_TYPE, created),
            *(Document(path, referrers.VEX_TYPE, created) for path in vex),
        ),
        provenance,
    )


def publish(
    client: Client,
    cosign: Cosign | None,
    images: Sequence[Entry],
    say: Callable[[str], None],
) -> None:
    """Attach all documents; with `cosign` sign the images, their indexes and the documents.

    The images have to be in the repository: RegistryError, before anything is attached, where one
    is not. Attaching or signing again changes nothing.
    """
    repository = client.repository
    for name, layout, _ in images:
        root = layout.root()
        if not client.manifest_digest(root["digest"], root["mediaType"]):
            raise RegistryError(
                f"{repository}: {name} {root['digest']} is not there; push it first"
            )
    for name, layout, statements in images:
        signed = [layout.root()["digest"]]
        for one in statements:
            subject = one.subject["digest"]
            documents = [referrers.attach(client, one.subject, d) for d in one.documents]
            signed += [digest for digest in (subject, *documents) if digest not in signed]
            say(f"{name}: {len(documents)} documents attached to {subject}")
            if cosign:
                _attest(cosign, f"{repository}@{subject}", one)
        if cosign:
            cosign.sign([f"{repository}@{digest}" for digest in signed])
            say(f"{name}: {len(signed)} manifests signed")


def _attest(cosign: Cosign, name: str, statements: Statements) -> None:
    """Sign documents once more as attestations, the form policy engines and scanners ask for."""
    with tempfile.TemporaryDirectory() as folder:
        predicate = Path(folder, "predicate.json")
        predicate.write_text(json.dumps(about.predicate(statements.provenance)))
        cosign.attest(name, "slsaprovenance1", predicate)
    for document in statements.documents:
        if document.media_type == referrers.SPDX_TYPE:
            cosign.attest(name, "spdxjson", document.path)
        if document.media_type == referrers.VEX_TYPE:
            cosign.attest(name, "openvex", document.path)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of all programs that attach and sign."""
    parser.add_argument("--folder", type=Path, default=_HERE, help=argparse.SUPPRESS)
    parser.add_argument(
        "--cosign", default="cosign", help="the program that signs (default: the one pinned here)"
    )
    parser.add_argument(
        "-r", "--repository", required=True, help="where the images are: HOST[:PORT]/PATH"
    )
    parser.add_argument("--key", help="private key; its password: COSIGN_PASSWORD, or asked for")
    parser.add_argument("--attach-only", action="store_true", help="don't sign")
    parser.add_argument(
        "--insecure", action="store_true", help="don't check certificates; allow plain HTTP"
    )


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End the program with its usage where the options contradict one another."""
    if bool(args.key) == args.attach_only:
        parser.error("give a private key with --key, or --attach-only")


def connect(args: argparse.Namespace) -> tuple[Client, Cosign | None]:
    """Connect to the registry, and get the key's password; return what does the work."""
    transport = Transport(parse_repository(args.repository), insecure=args.insecure)
    transport.connect()
    if not args.key:
        return Client(transport), None
    # A file, relative to where the command was typed; anything else is cosign's to read.
    key = args.folder / Path(args.key).expanduser()
    if key.is_file():
        ask_password(key)
    program = Path(args.cosign)
    cosign = Cosign(
        str(program.absolute()) if program.is_file() else args.cosign,
        str(key) if key.is_file() else args.key,
        args.insecure,
    )
    return Client(transport), cosign


def ask_password(key: Path) -> None:
    """Ask for the key's password once, on a terminal; cosign would ask for each signature."""
    if "COSIGN_PASSWORD" not in os.environ and sys.stdin.isatty():
        os.environ["COSIGN_PASSWORD"] = getpass.getpass(f"Password of {key}: ")


def say(line: str) -> None:
    """Tell people of a step; `line` may have parts from outside."""
    print(quote.terminal(line), file=sys.stderr)


def run(work: Callable[[], int]) -> int:
    """Do the work of a program that signs; return its exit status."""
    again = "signing again goes on from here"
    return program.run(work, "sign", (RegistryError, OciError), again)


def main(argv: list[str] | None = None) -> int:
    """The command line; 1 and a single line where something can't be done."""
    parser = usage.parser(
        "Attach bills of materials and provenance to a pushed image, and sign them.",
        ["--key ~/cosign.key", "--attach-only"],
    )
    parser.add_argument("--plan", type=Path, required=True, help=argparse.SUPPRESS)
    add_options(parser)
    args = parser.parse_args(argv)
    check(parser, args)
    return run(lambda: _sign_one(args))


def _sign_one(args: argparse.Namespace) -> int:
    """Attach and sign what the plan of a command line says."""
    image = read_plan(args.plan)
    publish(*connect(args), images=[image], say=say)
    return 0


if __name__ == "__main__":
    sys.exit(main())
