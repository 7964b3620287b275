"""e2e_test: a pytest file that runs outside the sandbox, with the user's own settings."""

load("//tests:roles.bzl", "OTHER_RELEASE", "RELEASE", "ROLES")
load("//tools/testing:pytest.bzl", "py_pytest")

# What the programs it calls read (the user's folders, mirrors, indexes, certificates), and what tests do.
_ENVIRONMENT = [
    "DEBIAN_MIRROR",
    "DEBIAN_SNAPSHOT",
    "HOME",
    "NPM_CONFIG_REGISTRY",
    "PATH",
    "PIP_CERT",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PYTHON_IMAGES_SOURCES",
    "PYTHON_MIRROR",
    "REAL_REGISTRY",
    "SSL_CERT_FILE",
    "XDG_CACHE_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
]

def e2e_test(name, srcs, env = {}, tags = [], deps = [], **kwargs):
    """A manual test that may run Bazel, reach the network and use the machine's programs.

    Args:
      name: name of the target.
      srcs: pytest files.
      env: further environment variables. ROLES is what tests/e2e/roles.py reads.
      tags: further tags.
      deps: libraries, besides that of roles.
      **kwargs: further attributes of py_pytest.
    """
    py_pytest(
        name = name,
        srcs = srcs,
        env = {"ROLES": json.encode(ROLES | {"other_release": OTHER_RELEASE, "release": RELEASE})} | env,
        env_inherit = _ENVIRONMENT,
        tags = tags + [
            "exclusive",
            "external",
            "local",
            "manual",
            "no-remote",
        ],
        deps = deps + ["//tests/e2e:roles"],
        timeout = kwargs.pop("timeout", "eternal"),
        **kwargs
    )
