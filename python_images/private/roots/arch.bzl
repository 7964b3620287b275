"""What the programs that compute root file systems are told of an architecture."""

load("@catalog//:catalog.bzl", "CATALOG")

def _facts(name, facts):
    return {
        "bits": facts["bits"],
        "endian": facts["endian"],
        "ld_so_cache": facts["rootfs"]["ld_so_cache"],
        "lib_links": facts["rootfs"]["links"],
        "machine": facts["machine"],
        "name": name,
        "triplet": facts["triplet"],
    }

def _arch(ctx, name_of):
    found = {}
    for facts in CATALOG["platforms"].values():
        name = name_of(facts)

        # Where two platforms have the same architecture, as armhf, these facts are the same, too.
        if name:
            found[name] = _facts(name, facts)
    if ctx.attr.arch not in found:
        fail("{}: arch = {}: no platform of catalog/platforms.yaml has this architecture; there are {}".format(
            ctx.label,
            repr(ctx.attr.arch),
            ", ".join(sorted(found)),
        ))
    return found[ctx.attr.arch]

def debian_arch(ctx):
    """The facts of a layer's architecture, as tools/rootfs/arch.py reads them.

    Args:
      ctx: context of a rule with the attribute arch, Debian's name.

    Returns:
      dict; fails where no platform of the catalog has the architecture.
    """
    return _arch(ctx, lambda facts: facts["debian"])

def alpine_arch(ctx):
    """The same of an architecture by Alpine's name.

    Args:
      ctx: context of a rule with the attribute arch, Alpine's name.

    Returns:
      dict; fails where no platform of the catalog has the architecture.
    """
    return _arch(ctx, lambda facts: facts["alpine"]["name"] if facts["alpine"] else None)
