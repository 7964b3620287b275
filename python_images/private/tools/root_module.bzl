"""root_module: whose tags of a module extension count."""

def root_module(mctx, tags_of, what):
    """The root module, if it uses the extension; fails where another module has tags.

    Args:
      mctx: the module context.
      tags_of: function from a module's `tags` to those that only the root module may have.
      what: what they do, for the error.

    Returns:
      a module of mctx.modules, or None.
    """
    root = None
    for module in mctx.modules:
        if module.is_root:
            root = module
        elif tags_of(module.tags):
            fail("{}: only the root module can {}; use dev_dependency = True".format(module.name, what))
    return root
