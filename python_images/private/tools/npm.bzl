"""Packages of the npm registry that this machine is set up for, by their checksum.

The registry is that of `npm config get registry`, .npmrc, or --repo_env=NPM_CONFIG_REGISTRY=URL.
"""

def _registry(rctx):
    for name in ("NPM_CONFIG_REGISTRY", "npm_config_registry"):
        if rctx.getenv(name):
            return rctx.getenv(name)
    home = rctx.getenv("HOME")
    for npmrc in ([home + "/.npmrc"] if home else []) + ["/etc/npmrc"]:
        if rctx.path(npmrc).exists:
            for line in rctx.read(npmrc, watch = "no").split("\n"):
                key, _, value = line.partition("=")
                if key.strip() == "registry":
                    return value.strip()
    npm = rctx.which("npm")
    if npm:
        result = rctx.execute([npm, "config", "get", "registry"])
        if result.return_code == 0 and result.stdout.strip().startswith("http"):
            return result.stdout.strip()
    return None

def npm_package(rctx, name, version, integrity):
    """Unpacks a package into `unpacked/package`.

    Args:
      rctx: the repository's context.
      name: the package, such as @bazel/buildifier.
      version: its version.
      integrity: npm's own checksum of it.

    Returns:
      whether there is a registry that has it.
    """
    registry = _registry(rctx)
    if not registry:
        return False
    url = "{}/{}/-/{}-{}.tgz".format(registry.rstrip("/"), name, name.split("/")[-1], version)
    if not rctx.download(url, "package.tgz", integrity = integrity, allow_fail = True).success:
        return False
    rctx.extract("package.tgz", "unpacked")
    rctx.delete("package.tgz")
    return True
