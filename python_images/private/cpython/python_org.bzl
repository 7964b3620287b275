"""What repository rules of python.org's archives share: where they may come from, and fetching."""

_OFFICIAL = "https://www.python.org/ftp/python/"

def archive_urls(url, mirror, others = []):
    """The URLs an archive may come from.

    Args:
      url: the official one.
      mirror: URL of a copy of python.org's ftp/python folder, or "".
      others: list of URLs that have the same bytes.

    Returns:
      the URLs in the order they are to be tried.
    """
    urls = [url] + others
    if mirror and url.startswith(_OFFICIAL):
        urls = [mirror.rstrip("/") + "/" + url.removeprefix(_OFFICIAL)] + urls
    return urls

def fetch_archive(rctx, file, what, catalog, others = []):
    """Fetches an archive from the first URL that has the pinned bytes, or fails with all of them.

    Args:
      rctx: context of a repository rule with the attributes `sha256` and `url`.
      file: what to call it in the repository; the repository exports it.
      what: the archive, for people.
      catalog: the file that pins it.
      others: list of URLs that have the same bytes.
    """
    urls = archive_urls(rctx.attr.url, rctx.getenv("PYTHON_MIRROR") or "", others)
    rctx.report_progress("Fetching " + what)
    result = rctx.download(urls, file, sha256 = rctx.attr.sha256, allow_fail = True)
    if not result.success:
        fail("\n".join([
            "",
            "{} can't be fetched with the sha256 of {}".format(what, catalog),
            "({}) from any of:".format(rctx.attr.sha256),
        ] + ["  " + url for url in urls] + [
            "From elsewhere: --repo_env=PYTHON_MIRROR=<URL of a copy of python.org's ftp/python folder>",
        ]))
    rctx.file("BUILD.bazel", 'exports_files(["{}"])\n'.format(file), executable = False)

def name_files(rctx, files):
    """Writes the BUILD file of a repository that names files of others: //:<name>.

    Args:
      rctx: context of a repository rule.
      files: dict: name -> the file, as <repository>//:<its name there>.
    """
    rctx.file("BUILD.bazel", "\n".join([
        'alias(\n    name = "{}",\n    actual = "@{}",\n    {},\n)\n'.format(
            name,
            file,
            'visibility = ["//visibility:public"]',
        )
        for name, file in files.items()
    ]), executable = False)
