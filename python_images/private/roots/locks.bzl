"""How a module extension is told where lock files lie."""

def lock_folder_tag():
    """A tag class whose tags each name a folder of lock files, by a file in it."""
    return tag_class(
        doc = "A folder of lock files.",
        attrs = {
            "beside": attr.label(
                mandatory = True,
                doc = "a file in the folder of the locks, such as its BUILD.bazel",
            ),
        },
    )
