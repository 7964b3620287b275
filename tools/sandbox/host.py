"""Why this machine lets nobody have a container, and what its administrator can do about it."""

from pathlib import Path

# A setting, the value that forbids user namespaces, the command that allows them.
_SETTINGS = (
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from programs without a profile, as on Ubuntu",
        "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "the kernel keeps user namespaces for root",
        "sudo sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "user/max_user_namespaces",
        "0",
        "the kernel allows no user namespace",
        "sudo sysctl user.max_user_namespaces=15000",
    ),
)


def remedy(settings: Path = Path("/proc/sys")) -> str:
    """What to do where no user namespace, or no mount in it, is available."""
    for name, forbidding, meaning, command in _SETTINGS:
        path = settings / name
        try:
            value = path.read_text().strip()
        except OSError:
            continue
        if value == forbidding:
            return f"{meaning}; until the next boot this allows them: {command}"
    return (
        "a container or sandbox around this one may forbid it: with docker, "
        "`--security-opt seccomp=unconfined --security-opt apparmor=unconfined` allows it"
    )
