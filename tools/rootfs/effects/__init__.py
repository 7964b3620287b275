"""What maintainer scripts do on a first installation, one effect per thing done.

The tables in tools/rootfs/scripts name effects by the keys of EFFECTS; they're applied in its
order. What debhelper's generated parts ask for has no name: `generated` does it for every script.
"""

from __future__ import annotations

from tools.rootfs.effects import alternatives, services
from tools.rootfs.effects.base_files import base_files, library_links
from tools.rootfs.effects.ca_certificates import ca_certificates
from tools.rootfs.effects.defaults import (
    inputrc,
    local_time,
    name_service_switch,
    native_architecture,
    netbase,
    time_zone_name,
)
from tools.rootfs.effects.ldconfig import ldconfig
from tools.rootfs.effects.pam import pam_auth_update, pam_module_files
from tools.rootfs.effects.shells import claim_sh, update_shells
from tools.rootfs.effects.users import (
    apt_user,
    base_passwd,
    faillog,
    shadow_passwords,
    subordinate_ids,
)
from tools.rootfs.scripts import ReviewedScript
from tools.rootfs.system import Effect, System


def nothing_more(system: System, script: ReviewedScript) -> None:
    """What the script does is done for every system: ldconfig, or a record of a diversion."""


# Users first: later effects look groups up.
EFFECTS: dict[str, Effect] = {
    "base-passwd": base_passwd,
    "shadow-passwords": shadow_passwords,
    "subordinate-ids": subordinate_ids,
    "faillog": faillog,
    "apt-user": apt_user,
    "base-files": base_files,
    "library-links": library_links,
    "alternatives": alternatives.alternatives,
    "claim-sh": claim_sh,
    "update-shells": update_shells,
    "pam-auth-update": pam_auth_update,
    "pam-module-files": pam_module_files,
    "name-service-switch": name_service_switch,
    "netbase": netbase,
    "local-time": local_time,
    "time-zone-name": time_zone_name,
    "native-architecture": native_architecture,
    "inputrc": inputrc,
    "ca-certificates": ca_certificates,
    "ldconfig": nothing_more,
    "divert": nothing_more,
}


def generated(system: System, script: ReviewedScript) -> None:
    """Does what debhelper's parts of a script ask for."""
    snippets = script.script.snippets
    alternatives.register(system, snippets.alternatives)
    for unit in snippets.units:
        services.enable_unit(system, unit, script)
    for name in snippets.init_scripts:
        services.register_init_script(system, name, script)


__all__ = ["EFFECTS", "generated", "ldconfig"]
