"""one_configuration: what flags and transitions don't change is made once, whatever leads to it.

So are CPythons, and the layers of the catalog's images: all of them are for the platform their target names.
"""

# What would name another folder of outputs, and with it be another key in every cache. None of it
# changes what is compiled: that is for the platform its target names, by flags of the catalog.
_FIXED = {
    "//command_line_option:compilation_mode": "fastbuild",
    # That of the machines that compile, EXEC_CONSTRAINTS; only the folder is named by it.
    "//command_line_option:cpu": "k8",
    "//command_line_option:platform_suffix": "",
    # The build's own: what a build says itself is no difference to it, and names no folder.
    "//command_line_option:platforms": [],
}

def _one_configuration_impl(_settings, _attr):
    return _FIXED

# Other flags stay as they are. Given to the build they are in every configuration, so that no folder
# is named by them; if this set them back, there would be a difference.
one_configuration = transition(
    implementation = _one_configuration_impl,
    inputs = [],
    outputs = _FIXED.keys(),
)
