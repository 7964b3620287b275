"""Repository rule: the pinned buildifier, out of its npm package.

The npm registry is the one this machine is set up for (`npm config get registry`, .npmrc, or
--repo_env=NPM_CONFIG_REGISTRY=URL). Where none is known, //:buildifier is an empty file, and the
check that wants it reports itself as skipped: formatting is no reason to fail a build.
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

def _buildifier_impl(rctx):
    registry = _registry(rctx)
    found = False
    if registry:
        url = "{}/@bazel/buildifier/-/buildifier-{}.tgz".format(
            registry.rstrip("/"),
            rctx.attr.version,
        )
        found = rctx.download(
            url,
            "package.tgz",
            integrity = rctx.attr.integrity,
            allow_fail = True,
        ).success
    if found:
        rctx.extract("package.tgz", "unpacked")
        (program,) = [
            p
            for p in rctx.path("unpacked/package").readdir()
            if p.basename in ("buildifier-linux_amd64", "buildifier-linux_x64")
        ]
        rctx.symlink(program, "buildifier")
    else:
        rctx.file("buildifier", "", executable = False)
    rctx.file("BUILD.bazel", 'exports_files(["buildifier"])\n')

buildifier_repo = repository_rule(
    implementation = _buildifier_impl,
    doc = "The buildifier program as //:buildifier; an empty file where npm is out of reach.",
    attrs = {
        "integrity": attr.string(mandatory = True, doc = "npm's own checksum of the package"),
        "version": attr.string(mandatory = True),
    },
)
