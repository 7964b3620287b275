"""Fetches a CPython's blob from its registry, for the repository rule; checked by its digest.

Users, tokens and mirrors are those of tools/oci/registry: docker's and podman's files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.oci.assembler.spec import OciError, digest_of
from tools.oci.registry import answers
from tools.oci.registry.client import Client, told
from tools.oci.registry.reference import parse_repository
from tools.oci.registry.registry_error import RegistryError
from tools.oci.registry.transport import Transport
from tools.text import quote


def fetch(client: Client, digest: str, size: int) -> bytes:
    """Return the blob; RegistryError where it isn't there, or is another than its digest says."""
    answer = client.blob(digest, size)
    if not answers.is_good(answer):
        raise RegistryError(f"{client.repository}: no blob {digest}: {told(answer)}")
    if len(answer.body) != size or digest_of(answer.body) != digest:
        raise RegistryError(
            f"{client.repository}: sent {len(answer.body)} bytes with the digest"
            f" {digest_of(answer.body)} for the blob {digest} of {size} bytes"
        )
    return answer.body


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--repository", required=True, help="HOST[:PORT]/PATH")
    parser.add_argument("--digest", required=True, help="the blob's, sha256:...")
    parser.add_argument("--size", type=int, required=True, help="in bytes")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    args = parser.parse_args(argv)
    try:
        transport = Transport(parse_repository(args.repository), actions="pull")
        transport.connect()
        args.output.write_bytes(fetch(Client(transport), args.digest, args.size))
    except (RegistryError, OciError, OSError) as error:
        print(quote.terminal(str(error)), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
