"""The pod of docs/hardened.md under the rules of Kubernetes' restricted Pod Security Standard."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documents.pages import Page

BLOCKS = Page.read(Path("docs/hardened.md")).section("Run it with the least privileges").blocks
(POD,) = (yaml.safe_load(one.text) for one in BLOCKS if one.text.startswith("apiVersion: v1\n"))

# Of the standard's rules, those for Linux.
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
ABSENT_OF_POD = {"hostIPC", "hostNetwork", "hostPID"}
ABSENT = {"privileged", "procMount", "seLinuxOptions", "sysctls"}


def faults(pod: dict[str, Any]) -> set[str]:
    """The fields of a pod that the standard doesn't admit."""
    spec = pod["spec"]
    found: set[str] = ABSENT_OF_POD & spec.keys()
    found |= {
        kind for volume in spec.get("volumes", []) for kind in volume.keys() - {"name"} - VOLUMES
    }
    for container in spec["containers"] + spec.get("initContainers", []):
        own = container.get("securityContext", {})
        context = {**spec.get("securityContext", {}), **own}
        capabilities = own.get("capabilities", {})
        right = {
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities.add": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "capabilities.drop": "ALL" in capabilities.get("drop", []),
            "hostPort": not any("hostPort" in port for port in container.get("ports", [])),
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser") != 0,
            "seccompProfile": context.get("seccompProfile", {}).get("type")
            in ("RuntimeDefault", "Localhost"),
        }
        found |= {name for name, good in right.items() if not good} | (ABSENT & context.keys())
    return found


def test_the_pod_of_the_page_is_restricted() -> None:
    assert faults(POD) == set()
    assert all(
        one["securityContext"]["readOnlyRootFilesystem"] for one in POD["spec"]["containers"]
    )


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("allowPrivilegeEscalation", True, "allowPrivilegeEscalation"),
        ("capabilities", {"drop": ["NET_RAW"]}, "capabilities.drop"),
        ("capabilities", {"drop": ["ALL"], "add": ["SYS_TIME"]}, "capabilities.add"),
        ("privileged", True, "privileged"),
        ("runAsNonRoot", None, "runAsNonRoot"),
        ("runAsUser", 0, "runAsUser"),
        ("seccompProfile", {"type": "Unconfined"}, "seccompProfile"),
    ],
)
def test_a_fault_is_found(field: str, value: object, fault: str) -> None:
    pod = deepcopy(POD)
    pod["spec"]["containers"][0]["securityContext"][field] = value
    assert faults(pod) == {fault}


def test_a_fault_of_the_whole_pod_is_found() -> None:
    pod = deepcopy(POD)
    pod["spec"]["hostNetwork"] = True
    pod["spec"]["volumes"].append({"name": "all", "hostPath": {"path": "/"}})
    assert faults(pod) == {"hostNetwork", "hostPath"}
