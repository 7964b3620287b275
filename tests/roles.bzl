"""What tests and measurements take from the catalog by its role, so that no name of a suite or
minor version stands in them: `roles` in tools/catalog/export.py."""

load("@catalog//:catalog.bzl", "CATALOG")

ROLES = CATALOG["roles"]

def _image(minor, suite, variant = "slim"):
    return "//images:{}-{}".format(minor, CATALOG["variants"][variant]["tag"].replace("{suite}", suite))

# The index of the newest minor version on the default suite, such as //images:3.14-slim-trixie, and of
# the minor version before on another suite, such as //images:3.13-slim-bookworm.
NEWEST = _image(ROLES["minor"], ROLES["suite"])
OTHER = _image(ROLES["other_minor"], ROLES["other_suite"])

# The newest with all that the default variant has.
NEWEST_WHOLE = _image(ROLES["minor"], ROLES["suite"], "default")

# The newest without a shell.
NEWEST_DISTROLESS = _image(ROLES["minor"], ROLES["suite"], "distroless")

# With busybox besides, and on the other suite.
NEWEST_DISTROLESS_DEBUG = _image(ROLES["minor"], ROLES["suite"], "distroless-debug")
NEWEST_DISTROLESS_ON_OTHER = _image(ROLES["minor"], ROLES["other_suite"], "distroless")

# Without the global interpreter lock.
NEWEST_DISTROLESS_FREE_THREADED = _image(ROLES["minor"] + "t", ROLES["suite"], "distroless")

# What compiles for distroless images.
NEWEST_DISTROLESS_DEV = _image(ROLES["minor"], ROLES["suite"], "distroless-dev")

# With a shell and pip, for an ordinary user.
NEWEST_NONROOT = _image(ROLES["minor"], ROLES["suite"], "slim-nonroot")
NEWEST_NONROOT_WHOLE = _image(ROLES["minor"], ROLES["suite"], "nonroot")

# The newest minor version on the other suite.
NEWEST_ON_OTHER = _image(ROLES["minor"], ROLES["other_suite"])

# What OTHER lies on, such as //images/debian:bookworm-slim.
OTHER_BASE = "//images/debian:{}-slim".format(ROLES["other_suite"])

# The releases that these minor versions mean today, such as 3.14.7.
RELEASE = CATALOG["newest"][ROLES["minor"]]
OTHER_RELEASE = CATALOG["newest"][ROLES["other_minor"]]
