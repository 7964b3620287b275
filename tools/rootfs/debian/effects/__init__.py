"""What maintainer scripts do on a first installation, one effect per thing done.

The tables in tools/rootfs/debian/scripts name effects by the keys of EFFECTS; they're applied in
its order. What debhelper's generated parts ask for has no name: `generated` does it for every
script.
"""

from __future__ import annotations

from tools.rootfs.debian.effects import alternatives, services
from tools.rootfs.debian.effects.applications import (
    automake,
    database_client,
    font_cache_folder,
    font_configuration,
    imagemagick,
    lzma_programs,
    mercurial_configuration,
    package_configuration_folder,
    ssh_agent,
    ucf_state,
)
from tools.rootfs.debian.effects.base_files import base_files, library_links
from tools.rootfs.debian.effects.ca_certificates import ca_certificates
from tools.rootfs.debian.effects.databases import update_databases
from tools.rootfs.debian.effects.defaults import (
    inputrc,
    local_time,
    name_service_switch,
    native_architecture,
    netbase,
    time_zone_name,
)
from tools.rootfs.debian.effects.ldconfig import ldconfig
from tools.rootfs.debian.effects.pam import pam_auth_update, pam_module_files
from tools.rootfs.debian.effects.python import (
    compile_library,
    compile_modules,
    compile_shared,
    compiled,
    python_configuration,
    python_installed,
    python_local_folders,
)
from tools.rootfs.debian.effects.shells import claim_sh, update_shells
from tools.rootfs.debian.effects.users import (
    apt_user,
    base_passwd,
    faillog,
    shadow_passwords,
    subordinate_ids,
)
from tools.rootfs.debian.scripts import ReviewedScript
from tools.rootfs.debian.system import Effect, System


def nothing_more(system: System, script: ReviewedScript) -> None:
    """What the script does is done for every system: ldconfig, databases, diversions."""


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
    "ssh-agent": ssh_agent,
    "font-configuration": font_configuration,
    "font-cache-folder": font_cache_folder,
    "ucf-state": ucf_state,
    "mercurial-configuration": mercurial_configuration,
    "database-client": database_client,
    "package-configuration-folder": package_configuration_folder,
    "automake": automake,
    "imagemagick": imagemagick,
    "lzma-programs": lzma_programs,
    "python-installed": python_installed,
    "python-local-folders": python_local_folders,
    "python-configuration": python_configuration,
    "compile-shared": compile_shared,
    "compile-library": compile_library,
    "databases": nothing_more,
    "ldconfig": nothing_more,
    "divert": nothing_more,
}


def generated(system: System, script: ReviewedScript) -> None:
    """Does what debhelper's parts of a script ask for."""
    snippets = script.script.snippets
    alternatives.register(system, snippets.alternatives)
    for unit in snippets.units:
        services.enable_unit(system, unit, script)
    for unit in snippets.user_units:
        services.enable_unit(system, unit, script, kind="user")
    for folder in snippets.byte_compile:
        compile_modules(system, script.script.package, folder)
    for name in snippets.init_scripts:
        services.register_init_script(system, name, script)


__all__ = ["EFFECTS", "compiled", "generated", "ldconfig", "update_databases"]
