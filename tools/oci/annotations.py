"""Write an image's annotations as key=value lines, with the digest of its base image.

The digest is known only when the base is built, so it comes from a file.
"""

import argparse
import sys
from pathlib import Path

BASE_DIGEST = "org.opencontainers.image.base.digest"


def lines(pairs: list[str], base_digest: str | None) -> list[str]:
    """Return the sorted lines; ValueError for a pair without '=' or what is no digest."""
    for pair in pairs:
        if "=" not in pair or "\n" in pair:
            raise ValueError(f"{pair!r} is not a key=value pair of one line")
    if base_digest is None:
        return sorted(pairs)
    algorithm, _, digits = base_digest.partition(":")
    if algorithm != "sha256" or len(digits) != 64:
        raise ValueError(f"{base_digest!r} is not a sha256 digest")
    return sorted([*pairs, f"{BASE_DIGEST}={base_digest}"])


def main(argv: list[str] | None = None) -> int:
    """Command line; 1 and a single line where the input is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pair", action="append", default=[], help="key=value")
    parser.add_argument("--base-digest", type=Path, help="file with the digest")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args(argv)
    try:
        digest = args.base_digest.read_text().strip() if args.base_digest else None
        args.output.write_text("".join(f"{line}\n" for line in lines(args.pair, digest)))
    except (ValueError, OSError) as error:
        print(f"annotations: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
