"""Public mirrors, for repository rules: catalog/mirrors.json."""

def public_mirrors(rctx):
    """The public mirrors of each distribution, as the catalog has them.

    Args:
      rctx: the repository context.

    Returns:
      what catalog/mirrors.json holds; catalog/schema/mirrors.schema.json has its form.
    """

    # The file isn't watched (a label of the file itself would watch it): another list of mirrors
    # doesn't change what has been fetched.
    folder = rctx.path(Label("//catalog:BUILD.bazel")).dirname
    return json.decode(rctx.read(folder.get_child("mirrors.json"), watch = "no"))
