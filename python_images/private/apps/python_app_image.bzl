"""python_app_image: an application and the wheels it needs on an image of Python. A macro."""

load("//python_images/private/wheels:layer.bzl", "wheel_layer")
load("//python_images/private/wheels:wheel.bzl", "wheel")
load(":bases.bzl", "base_images")
load(":python_image.bzl", "python_image")

# That what is installed has all it requires. An image without pip can't tell.
_PIP_CHECK = str(Label(":pip_check.yaml"))

def _locked(where, lock, platform):
    """The wheels of a lock for a platform; None without a lock."""
    if lock == None:
        return None
    if not lock.startswith("@") or ":" in lock:
        fail(("{}: lock = \"{}\": name the repository of the lock, such as \"@app_wheels\"; " +
              "wheels.lock(name = \"app_wheels\", base = …, lock = \"{}\") in MODULE.bazel makes it").format(
            where,
            lock,
            lock if ":" in lock else "//:" + lock,
        ))
    return "{}//:{}".format(lock.removesuffix("//"), platform)

def python_app_image(
        name,
        base,
        lock = None,
        srcs = [],
        wheels = [],
        scripts = {},
        version = "0",
        strip_prefix = "",
        platforms = None,
        layers_by_platform = {},
        tests = [],
        pip_check = None,
        **kwargs):
    """An image of an application: the wheels of its lock as one layer, and itself as the one above.

    `<name>` is the index and `<name>_<platform>` an image, each with all that `python_image` gives it.
    Wheels are installed as pip would inside the image, and nothing of the image is run: all platforms
    are built on any machine. Programs are started by /usr/local/bin/python of their minor version.

    Args:
      name: name of the index.
      base: a tag of this project, such as 3.13-slim; or a label to which `_<platform>` is added.
      lock: the repository that `wheels.lock` of MODULE.bazel makes of the lock: @app_wheels. Its `base`
        has to have the same Python.
      srcs: Python files of the application, and data beside them, as they lie below this package; they
        become a wheel, and are imported in the image by that path.
      wheels: wheels of the application, for all platforms; or a dict: platform -> list of them.
      scripts: programs of `srcs`: name to module:function.
      version: the version of the wheel of `srcs`.
      strip_prefix: folder of this package that the paths of `srcs` begin below, like src.
      platforms: list of platforms: amd64, arm64 ... Default: amd64 and arm64.
      layers_by_platform: dict: platform -> list of further layers, on the application's.
      tests: files of container-structure-test that each platform's image has to pass, besides
        `pip check`.
      pip_check: whether `pip check` is a test, too. Default: unless the base is known to have no pip.
      **kwargs: as for `python_image`: entrypoint, cmd, user, env, files, ca_certificates, tags ...
    """
    where = "//{}:{}: python_app_image".format(native.package_name(), name)
    if not (lock or srcs or wheels):
        fail("{}: nothing to install; give srcs, wheels or lock".format(where))
    found = base_images(where, base, platforms)
    internal = {"tags": ["manual"], "testonly": kwargs.get("testonly")}
    own = []
    if srcs:
        own.append(name + ".wheel")
        wheel(
            name = own[0],
            srcs = srcs,
            distribution = name,
            scripts = scripts,
            strip_prefix = strip_prefix,
            version = version,
            **internal
        )
    by_platform = wheels if type(wheels) == "dict" else {platform: wheels for platform in found.images}
    if sorted(by_platform) != sorted(found.images):
        fail("{}: the wheels are for {}, and the platforms are {}".format(
            where,
            ", ".join(by_platform.keys()),
            ", ".join(found.images.keys()),
        ))
    layers = {}
    for platform in found.images:
        target = "{}_{}".format(name, platform)
        locked = _locked(where, lock, platform)
        layers[platform] = []
        if locked:
            layers[platform].append(target + ".dependencies")
            wheel_layer(
                name = target + ".dependencies",
                python = found.python,
                wheels = [locked],
                **internal
            )
        if own or by_platform[platform]:
            layers[platform].append(target + ".application")
            wheel_layer(
                name = target + ".application",
                like = locked,
                python = found.python,
                wheels = own + by_platform[platform],
                **internal
            )
        layers[platform] += layers_by_platform.get(platform, [])
    python_image(
        name = name,
        base = base,
        layers_by_platform = layers,
        platforms = found.images.keys(),
        tests = ([_PIP_CHECK] if (found.pip if pip_check == None else pip_check) else []) + tests,
        **kwargs
    )
