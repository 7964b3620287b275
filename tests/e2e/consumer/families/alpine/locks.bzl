"""LOCKS: what @alpine//:sets.bzl would hold if all releases were locked."""

load("@catalog//:catalog.bzl", "CATALOG")

LOCKS = {
    release: {
        arch: struct(time = "2026-01-02T03:04:05Z")
        for arch in facts["platforms"].values()
    }
    for release, facts in CATALOG["alpine"]["releases"].items()
}
