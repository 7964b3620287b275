"""The catalog as tools/pages/exported.py has written it beforehand, into catalog/exported.

While its inputs are as they were then, no Python is needed to read the catalog, and nothing is fetched.
"""

_FOLDER = "catalog/exported"

# Folders and endings of what the export is made of, besides patches: the catalog, and the program.
_INPUTS = {
    "catalog": ".yaml",
    "catalog/families": ".yaml",
    "catalog/schema": ".json",
    "tools/catalog": ".py",
}
_NOT_INPUTS = ["cli.py", "fixture.py"]

# What the program uses of other folders, as tools/pages/exported.py has it.
_USED = [
    "tools/cli/__init__.py",
    "tools/cli/atomic.py",
    "tools/cli/input_error.py",
    "tools/patches/__init__.py",
    "tools/patches/unified.py",
    "tools/text/__init__.py",
    "tools/text/quote.py",
]

def watch_patches(mctx, file):
    """Has the catalog read again when a patch beside a file of releases comes, goes or changes.

    Args:
      mctx: the module context.
      file: path of the file of releases.

    Returns:
      the patches' paths.
    """
    folder = file.dirname.get_child("patches")
    mctx.watch(folder)
    folders = [folder] if folder.exists else []
    patches = []

    # As deep as the layout in docs/patching.md: patches/<release>/<patch>, and a level more.
    for _ in range(3):
        below = []
        for one in folders:
            for entry in one.readdir():
                if entry.is_dir:
                    below.append(entry)
                else:
                    mctx.watch(entry)
                    patches.append(entry)
        folders = below
    return patches

def catalog_inputs(mctx, root):
    """Reads, and watches, what the catalog is exported from.

    Args:
      mctx: the module context.
      root: path of this module.

    Returns:
      dict: path in this module -> [size, hash] of each file, as inputs.json has them.
    """
    files = []
    for folder, suffix in _INPUTS.items():
        for file in root.get_child(folder).readdir():
            name = file.basename
            if name.endswith(suffix) and not name.endswith("_test.py") and name not in _NOT_INPUTS:
                files.append(file)
    files += [root.get_child(name) for name in _USED]
    files += watch_patches(mctx, root.get_child("catalog/versions.yaml"))
    found = {}
    for file in files:
        text = mctx.read(file, watch = "yes")
        found[str(file).removeprefix(str(root) + "/")] = [len(text), hash(text)]
    return found

def exported_catalog(mctx, root, inputs, sources):
    """Reads the catalog that was exported beforehand.

    Args:
      mctx: the module context.
      root: path of this module.
      inputs: what catalog_inputs returned.
      sources: all or mirrored.

    Returns:
      a string, JSON; None if its inputs aren't the same any more.
    """
    listed = root.get_child(_FOLDER).get_child("inputs.json")
    mctx.watch(listed)
    if not listed.exists or json.decode(mctx.read(listed), default = None) != inputs:
        return None
    return mctx.read(root.get_child(_FOLDER).get_child(sources + ".json"), watch = "yes")
