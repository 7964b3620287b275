"""The reviewed maintainer scripts: which script is known, and which effect stands for it.

No script is run. Every script a first installation would run has to be in the table of its suite,
``tools/rootfs/debian/scripts/<suite>.toml``, with the SHA-256 of its text; what it does is then
done by the effects the table names, or the table says why it does nothing. A script that is new
or has changed stops the build until someone has read it.

    [[netbase.postinst]]              # more than one when architectures or versions differ
    sha256 = "<64 hex digits>"
    effects = ["netbase"]             # may be empty
    why = "creates /etc/hosts and /etc/networks"

    reviewed_in = ["trixie"]          # before all entries

The reviews of another suite's table hold for scripts with identical text: Ubuntu takes many
of Debian's as they are.

Scripts are hashed without the parts debhelper generates (see debhelper.py), with the
multiarch triplet and the architecture in `dpkg -L <package>:<architecture>` replaced, so that one
entry serves every architecture, and without the list of certificates.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.rootfs.arch import Arch
from tools.rootfs.command import bazel, in_checkout, run_command
from tools.rootfs.debian.debhelper import Snippets, split_script
from tools.rootfs.debian.package import Package
from tools.rootfs.rootfs_error import RootfsError

# The scripts a first installation runs. prerm and postrm belong to upgrades and removals.
INSTALL_SCRIPTS = ("preinst", "config", "postinst")
# Where the tables are, in a checkout.
TABLES = "tools/rootfs/debian/scripts"
TRIPLET = "@TRIPLET@"
# The architecture of a package whose files a script has dpkg list: dpkg -L libc6:amd64.
ARCH = "@ARCH@"
# A list that changes with every update, and that the effect reads and checks itself. A string of
# letters alone can't do anything.
_DATA = re.compile(r'^(CERTS_LIST)="[^"$`\\\n]*"$', re.MULTILINE)
# Suites whose reviews a table takes over; no package can have this name.
_REVIEWED_IN = "reviewed_in"
_TRIVIAL = re.compile(r"#.*|set -eu?|exit 0|")


@dataclass(frozen=True, slots=True)
class Rule:
    """One reviewed script of the table.

    Attributes:
        sha256: hash of the text the review holds for.
        effects: names of the effects that stand for the script.
        why: what the script does, or why that's nothing.
        diversions: (path, diverted path) the script registers.
    """

    sha256: str
    effects: tuple[str, ...]
    why: str
    diversions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A maintainer script as it is reviewed.

    Attributes:
        package: the package's name.
        name: ``preinst``, ``config`` or ``postinst``.
        text: the script without generated parts; triplet, architecture and data replaced.
        snippets: what the generated parts ask for.
    """

    package: str
    name: str
    text: str
    snippets: Snippets

    @property
    def sha256(self) -> str:
        """Hash of the text, as the table has it."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def trivial(self) -> bool:
        """Whether nothing but comments, `set -e` and `exit 0` is left."""
        return all(_TRIVIAL.fullmatch(line.strip()) for line in self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class ReviewedScript:
    """A script together with its rule; a trivial one has none."""

    script: Script
    rule: Rule | None


class ScriptTable:
    """The rules of one suite.

    Attributes:
        path: where they were read from.
        rules: by (package, script); several where the text differs between architectures.
        own: what people call the table of another workspace whose rules are among them: "" where
            it has none; None where the packages belong to this repository.
    """

    def __init__(
        self,
        path: Path,
        rules: Mapping[tuple[str, str], tuple[Rule, ...]],
        own: str | None = None,
    ) -> None:
        self.path = path
        self.rules = rules
        self.own = own

    def with_own(self, path: Path | None, name: str, known_effects: Iterable[str]) -> ScriptTable:
        """This table with the reviews of another workspace; RootfsError for malformed ones.

        Args:
            path: their table, None for none.
            name: what people call it.
            known_effects: as for load_table.
        """
        rules = dict(self.rules)
        own = {} if path is None else load_table(path, known_effects, nested=True, shown=name).rules
        for key, reviews in own.items():
            rules[key] = (*rules.get(key, ()), *reviews)
        return ScriptTable(self.path, dict(sorted(rules.items())), name)

    def rule_for(self, script: Script) -> Rule | None:
        """The rule that holds for this very text, None if there is none."""
        rules = self.rules.get((script.package, script.name), ())
        return next((rule for rule in rules if rule.sha256 == script.sha256), None)

    def review(self, packages: Iterable[Package], arch: Arch) -> list[ReviewedScript]:
        """Every install script of the packages with its rule; RootfsError for unknown ones.

        All unknown scripts are named in one error, so that they can be reviewed together.
        """
        reviewed: list[ReviewedScript] = []
        unknown: list[str] = []
        debs: dict[str, None] = {}
        unreadable: list[RootfsError] = []
        for package in packages:
            for name in INSTALL_SCRIPTS:
                try:
                    script = _script_of(package, name, arch)
                except RootfsError as error:
                    unreadable.append(error)
                    continue
                if script is None:
                    continue
                rule = self.rule_for(script)
                if rule is not None or script.trivial:
                    reviewed.append(ReviewedScript(script, rule))
                else:
                    debs[_shell_path(package.deb.path)] = None
                    known = (script.package, script.name) in self.rules
                    state = "has changed" if known else "is new"
                    unknown.append(
                        f"{script.name} of {package.name} {package.version} ({arch.name}) {state}: "
                        f"sha256 {script.sha256}"
                    )
        if len(unreadable) == 1 and not unknown:
            raise unreadable[0]
        if unknown or unreadable:
            several = len(unknown) + len(unreadable) > 1
            unknown += [f"{error.subject} {error.problem}" for error in unreadable]
            remedies = dict.fromkeys(error.remedy for error in unreadable)
            raise RootfsError(
                "review these maintainer scripts" if several else "review this script",
                "\n    " + "\n    ".join(unknown),
                "".join(f"{remedy}\n  " for remedy in remedies)
                + "Show: "
                + run_command(
                    "//tools/rootfs:review",
                    f"--suite {self.path.stem} --arch {arch.name} "
                    + (f"--table {self.own} " if self.own else "")
                    + " ".join(debs),
                )
                + f"\n  {self._recorded()}",
            )
        return reviewed

    def _recorded(self) -> str:
        """Where a review is to be recorded, for the error."""
        that = "That names the command that records it in"
        if self.own:
            return f"{that} {self.own}; see docs/customise.md of python_images."
        if self.own == "":
            return (
                'First make an empty file scripts.toml, and add scripts = "//:scripts.toml" to the '
                "debian.packages in MODULE.bazel; see docs/customise.md of python_images."
            )
        if in_checkout():
            return f"{that} {TABLES}/{self.path.name}; see docs/rootfs.md."
        return (
            f"{that} {TABLES}/{self.path.name} of the module python_images; run it in a checkout "
            "of that."
        )


def _shell_path(deb: Path) -> str:
    """A .deb's path for a command line; in an action it's relative to Bazel's output base."""
    if deb.is_absolute():
        return str(deb)
    return f"$({bazel()} info output_base)/{deb}" if deb.parts[:1] == ("external",) else str(deb)


def scripts_of(package: Package, arch: Arch) -> list[Script]:
    """The install scripts of a package, prepared for review."""
    scripts = (_script_of(package, name, arch) for name in INSTALL_SCRIPTS)
    return [script for script in scripts if script is not None]


def _script_of(package: Package, name: str, arch: Arch) -> Script | None:
    """One script of a package, prepared for review; None if it has none of that name."""
    text = package.script(name)
    if text is None:
        return None
    rest, snippets = split_script(text, f"{name} of {package.name} {package.version}")
    rest = _DATA.sub(r'\1="@DATA@"', rest.replace(arch.triplet, TRIPLET))
    rest = re.sub(rf"(dpkg -L [\w.+-]+):{arch.name}\b", rf"\1:{ARCH}", rest)
    return Script(package.name, name, rest, snippets)


def load_table(
    path: Path, known_effects: Iterable[str], *, nested: bool = False, shown: str = ""
) -> ScriptTable:
    """Read a table; RootfsError for anything malformed or an effect that doesn't exist.

    `nested`: another table takes its reviews over, so it may not take over others'. `shown`: what
    errors call the file, if that isn't its path.
    """
    name = Path(shown) if shown else path
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RootfsError(
            str(name),
            f"can't be read ({error.strerror})",
            "A new suite needs a table of its scripts; see docs/rootfs.md.",
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise RootfsError(str(name), f"is no TOML: {error}", "Mend the line it names.") from None
    effects = frozenset(known_effects)
    rules: dict[tuple[str, str], tuple[Rule, ...]] = {}
    others = raw.pop(_REVIEWED_IN, [])
    if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
        raise _bad_rule(name, _REVIEWED_IN, "must be a list of suites")
    for package, scripts in raw.items():
        if not isinstance(scripts, dict):
            raise _bad_rule(name, package, "is no table of scripts")
        for script, reviews in scripts.items():
            where = f"{package}.{script}"
            if script not in INSTALL_SCRIPTS:
                raise _bad_rule(name, where, f"is none of {', '.join(INSTALL_SCRIPTS)}")
            if not isinstance(reviews, list):
                raise _bad_rule(name, where, "must be written with double brackets")
            rules[package, script] = tuple(_rule(name, where, r, effects) for r in reviews)
    for other in others:
        if nested:
            raise _bad_rule(name, _REVIEWED_IN, f"is taken over itself: name {other} there too")
        below = load_table(path.with_name(f"{other}.toml"), effects, nested=True)
        for key, known in below.rules.items():
            rules[key] = (*rules.get(key, ()), *known)
    if others:
        rules = dict(sorted(rules.items()))
    return ScriptTable(path, rules)


def _rule(path: Path, where: str, fields: object, known_effects: frozenset[str]) -> Rule:
    if not isinstance(fields, dict):
        raise _bad_rule(path, where, "is no table")
    unknown = set(fields) - {"sha256", "effects", "why", "diversions"}
    if unknown:
        raise _bad_rule(path, where, f"has unknown keys: {', '.join(sorted(unknown))}")
    sha256 = fields.get("sha256")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise _bad_rule(path, where, f"sha256 is {sha256!r}, not a SHA-256 in hex")
    effects = fields.get("effects")
    if not isinstance(effects, list) or not all(isinstance(item, str) for item in effects):
        raise _bad_rule(path, where, "effects must be a list of names")
    missing = [name for name in effects if name not in known_effects]
    if missing:
        raise _bad_rule(path, where, f"names effects that don't exist: {', '.join(missing)}")
    why = fields.get("why")
    if not isinstance(why, str) or not why.strip():
        raise _bad_rule(path, where, "says nothing under `why`")
    diversions = fields.get("diversions", [])
    if not isinstance(diversions, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(x, str) for x in pair)
        for pair in diversions
    ):
        raise _bad_rule(path, where, "diversions must be pairs of paths")
    pairs = tuple((pair[0], pair[1]) for pair in diversions)
    return Rule(sha256, tuple(effects), why, pairs)


def _bad_rule(path: Path, where: str, problem: str) -> RootfsError:
    return RootfsError(f"{path}: [{where}]", problem, "docs/rootfs.md describes the table.")
