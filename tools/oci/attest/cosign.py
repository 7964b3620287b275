"""Signing with cosign and the user's own key: offline, no transparency log, no certificates."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from tools.oci.registry.registry_error import RegistryError


@dataclasses.dataclass(frozen=True)
class Cosign:
    """The program, and a private key as cosign takes it: a file, or what --key says of a KMS."""

    program: str
    key: str
    insecure: bool = False

    @cached_property
    def _offline(self) -> list[str]:
        """Options that keep cosign from looking for services of its makers, which differ."""
        options = ["--tlog-upload=false", "--yes"]
        if "--use-signing-config" in self._run("sign", "--help"):
            # From 3.0 on. Every cosign and policy engine reads the older form of signatures.
            options += ["--use-signing-config=false", "--new-bundle-format=false"]
        if self.insecure:
            options += ["--allow-insecure-registry", "--allow-http-registry"]
        return options

    def sign(self, names: Sequence[str]) -> None:
        """Sign manifests named HOST/PATH@sha256:…; RegistryError where cosign can't."""
        self._run("sign", "--key", self.key, *self._offline, *names)

    def attest(self, name: str, kind: str, predicate: Path) -> None:
        """Sign a predicate about the manifest `name`; it replaces an earlier one of its kind."""
        self._run(
            "attest",
            "--key",
            self.key,
            *self._offline,
            "--replace",
            f"--type={kind}",
            f"--predicate={predicate}",
            name,
        )

    def _run(self, *words: str) -> str:
        try:
            done = subprocess.run(
                [self.program, *words],
                capture_output=True,
                text=True,
                # For the key's password where COSIGN_PASSWORD isn't set.
                stdin=None if os.isatty(0) else subprocess.DEVNULL,
                check=False,
            )
        except OSError as error:
            raise RegistryError(
                f"{self.program}: {error.strerror}; name another with --cosign"
            ) from error
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            why = next((line for line in lines if line.startswith("Error:")), "".join(lines[-1:]))
            raise RegistryError(f"cosign {words[0]}: {why}")
        return done.stdout + done.stderr
