"""Attach bills of materials and provenance to pushed images, and sign images and documents.

What there is to attach is a plan, JSON written by the build: `{"images": [{"name", "tags",
"layout", "attestations": [{"spdx", "cyclonedx", "provenance"}, …]}]}`,
with `vex` where an image is patched.
"""

from __future__ import annotations

import argparse
import dataclasses
import fnmatch
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.oci.assembler.layout import Layout
from tools.oci.assembler.spec import Json, OciError, parse
from tools.oci.attest import about, referrers
from tools.oci.attest.cosign import Cosign
from tools.oci.attest.referrers import Document
from tools.oci.registry.client import Client
from tools.oci.registry.errors import RegistryError
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.transport import Transport
from tools.text import quote


@dataclasses.dataclass(frozen=True)
class Statements:
    """The documents about one image, whose descriptor is `subject`."""

    subject: Json
    documents: tuple[Document, ...]
    provenance: Path


def read_plan(path: Path, only: list[str]) -> list[tuple[str, Layout, list[Statements]]]:
    """Return name, layout and statements of the plan's images that match one of the patterns.

    RegistryError where a document is about an image that isn't in its layout, where an image of the
    layout has none, and where a pattern fits nothing.
    """
    chosen = []
    unused = set(only)
    for item in parse(path.read_bytes(), path)["images"]:
        names = [item["name"], *item["tags"]]
        fitting = {pattern for pattern in only if fnmatch.filter(names, pattern)}
        unused -= fitting
        if only and not fitting:
            continue
        layout = Layout(Path(item["layout"]))
        subjects = {entry["digest"]: entry for entry, _ in layout.images()}
        statements = [_statements(files, subjects) for files in item["attestations"]]
        missing = subjects.keys() - {one.subject["digest"] for one in statements}
        if missing:
            raise RegistryError(
                f"{item['name']}: no document is about {', '.join(sorted(missing))}"
            )
        chosen.append((item["name"], layout, statements))
    if unused:
        raise RegistryError(f"--only {' '.join(sorted(unused))}: no image or tag is named so")
    return chosen


def _statements(files: dict[str, str], subjects: dict[str, Json]) -> Statements:
    spdx, cyclonedx, provenance = (
        Path(files[kind]) for kind in ("spdx", "cyclonedx", "provenance")
    )
    digest = about.provenance(provenance)
    told_by = {
        provenance: digest,
        spdx: about.spdx(spdx),
        cyclonedx: about.cyclonedx(cyclonedx),
    }
    # Of images with patches; without a statement it is about nothing.
    vex = [Path(files["vex"])] if "vex" in files else []
    vex = [path for path in vex if parse(path.read_bytes(), path).get("statements") != []]
    told_by |= {path: about.vex(path) for path in vex}
    for path, told in told_by.items():
        if told not in subjects or told != digest:
            raise RegistryError(
                f"{path}: is about {told}, which is not the image to attach it to; build both again"
            )
    created = parse(cyclonedx.read_bytes(), cyclonedx)["metadata"]["timestamp"]
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
    images: list[tuple[str, Layout, list[Statements]]],
    cosign: Cosign | None,
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
    provenance = parse(statements.provenance.read_bytes(), statements.provenance)
    with tempfile.TemporaryDirectory() as folder:
        predicate = Path(folder, "predicate.json")
        predicate.write_text(json.dumps(provenance["predicate"]))
        cosign.attest(name, "slsaprovenance1", predicate)
    for document in statements.documents:
        if document.media_type == referrers.SPDX_TYPE:
            cosign.attest(name, "spdxjson", document.path)
        if document.media_type == referrers.VEX_TYPE:
            cosign.attest(name, "openvex", document.path)


def main(argv: list[str] | None = None) -> int:
    """The command line; 1 and a single line where something can't be done."""
    parser = argparse.ArgumentParser(
        description="Attach bills of materials and provenance to pushed images, and sign them.",
        allow_abbrev=False,
    )
    parser.add_argument("--plan", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, default=Path.cwd(), help=argparse.SUPPRESS)
    parser.add_argument("--cosign", default="cosign", help="the program that signs")
    parser.add_argument(
        "-r", "--repository", required=True, help="where the images are: HOST[:PORT]/PATH"
    )
    parser.add_argument("--key", help="private key; its password: COSIGN_PASSWORD, or asked for")
    parser.add_argument("--attach-only", action="store_true", help="don't sign")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="image or tag, like 3.13-*"
    )
    parser.add_argument(
        "--insecure", action="store_true", help="don't check certificates; allow plain HTTP"
    )
    args = parser.parse_args(argv)
    if bool(args.key) == args.attach_only:
        parser.error("give a private key with --key, or --attach-only")
    try:
        images = read_plan(args.plan, args.only)
        transport = Transport(parse_repository(args.repository), insecure=args.insecure)
        transport.connect()
        cosign = None
        if args.key:
            # A file, relative to where the command was typed; anything else is cosign's to read.
            key = args.folder / args.key
            program = Path(args.cosign)
            cosign = Cosign(
                str(program.absolute()) if program.is_file() else args.cosign,
                str(key) if key.is_file() else args.key,
                args.insecure,
            )
        publish(
            Client(transport),
            images,
            cosign,
            lambda line: print(quote.terminal(line), file=sys.stderr),
        )
    except (RegistryError, OciError, OSError) as error:
        print(f"sign: {quote.terminal(str(error))}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
