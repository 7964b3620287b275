"""What names, versions and addresses of a catalog may look like: they end in code and markup.

Each is a pattern for `yamlfile.Value.matching`, what it is in words, and a remedy.
"""

from __future__ import annotations

from typing import Final

# PEP 440's canonical form, without an epoch.
PEP440: Final = (
    r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?",
    "a version of a Python package (PEP 440)",
    "write it as the package index does",
)
VARIANT: Final = (
    r"(windows/)?[a-z][a-z0-9.-]*",
    "a variant",
    "write a suite, <variant>-<suite> such as slim-trixie, alpine<version> or windows/NAME",
)
# A repository and, where an image is meant, its tag.
REPOSITORY: Final = (
    r"[a-z0-9]+(([._-]+|/|:[0-9]+/)[a-z0-9]+)*",
    "the name of a repository",
    "write it like python or registry.example/team/python",
)
IMAGE: Final = (
    r"[a-z0-9]+(([._-]+|/|:[0-9]+/)[a-z0-9]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?",
    "an image",
    "write it like debian:trixie-slim",
)
# Of packages of Debian's and Alpine's.
PACKAGE: Final = (
    r"[a-z0-9][A-Za-z0-9+._-]*",
    "the name of a package",
    "write it as the distribution does",
)
OPTION: Final = (
    r"--?[A-Za-z][A-Za-z0-9-]*(=[A-Za-z0-9_./,+-]*)?",
    "an option of configure",
    "write it like --enable-shared",
)
VARIABLE: Final = (
    r"[A-Za-z_][A-Za-z0-9_]*",
    "the name of a variable",
    "use letters, digits and _",
)
# As in /etc/passwd: a colon would begin its next field.
USER: Final = (
    r"[a-z_][a-z0-9_-]{0,31}",
    "the name of a user",
    "use a-z, 0-9, _ and -, 32 characters at most, a letter first",
)
HOME: Final = (
    r"(?=.{1,255}$)(/\.?[A-Za-z0-9_][A-Za-z0-9._-]*)+",
    "an absolute path",
    "write it like /home/nonroot, without .. and colons, 255 characters at most",
)
WORD: Final = (r"[a-z][a-z0-9-]*", "a word", "use a-z, 0-9 and -")
# Without what ends a link in Markdown; {} are placeholders. A path is relative to the page.
URL: Final = (
    r"https?://[A-Za-z0-9._~:/?#@!$&*+,;=%{}-]+|[A-Za-z0-9.{][A-Za-z0-9._/{}-]*",
    "a URL",
    "write it out, without blanks and brackets",
)
# Beside the file that lists it; ends in .patch or .diff.
PATCH: Final = (
    r"(?!.*(^|/)\.)patches(/[A-Za-z0-9._+-]+)+\.(patch|diff)",
    "the path of a patch",
    "write it like patches/3.13.15/CVE-2026-1234.patch",
)
VULNERABILITY: Final = (
    r"CVE-[0-9]{4}-[0-9]{4,19}|GHSA(-[0-9a-z]{4}){3}|PSF-[0-9]{4}-[0-9]{1,9}",
    "the number of a vulnerability",
    "write it like CVE-2026-1234",
)
ORIGIN: Final = (
    r"https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+",
    "an https address",
    "write where upstream has the change",
)
PATH: Final = (
    r"(?!.*(^|/)\.\.?(/|$))[A-Za-z0-9{][A-Za-z0-9._/{}-]*",
    "a relative path",
    "use letters, digits and ._-/",
)
