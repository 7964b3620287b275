"""Rendering a template: strict, deterministic, and with one error that names file and line."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import jinja2

from tools.cli.input_error import InputError
from tools.text import quote


@functools.cache
def environment(folder: Path) -> jinja2.Environment:
    """Jinja as every generator uses it: unknown names are errors, nothing is HTML-escaped.

    Templates quote what they're given by filters named as the functions of tools/text/quote.py.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  Markdown, Dockerfiles and manifests, never HTML
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        code=quote.code,
        dockerfile=quote.dockerfile,
        line=quote.line,
        markdown=quote.markdown,
        shell=quote.shell,
    )
    return made


def _line(error: BaseException, template: Path) -> int | None:
    """The template's line an exception passed through, if it did."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).name == template.name:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def render(template: Path, values: Mapping[str, object]) -> str:
    """The text ``template`` makes of ``values``; it may include others from its own folder.

    Raises:
        InputError: the template can't be read, is malformed, or uses a name it wasn't given.
    """
    if not template.is_file():
        raise InputError(template, None, "", "no such template", "check the path")
    try:
        return environment(template.parent).get_template(template.name).render(values)
    except jinja2.TemplateSyntaxError as error:
        file = error.filename or template
        raise InputError(
            file, error.lineno, "", f"template error: {error.message}", "correct the line"
        ) from None
    except jinja2.TemplateNotFound as error:
        raise InputError(
            template, _line(error, template), "", f"includes {error.name!r}", "no such template"
        ) from None
    except jinja2.UndefinedError as error:
        known = ", ".join(sorted(values))
        raise InputError(
            template,
            _line(error, template),
            "",
            f"template error: {error.message}",
            f"names a template has: {known}",
        ) from None
    except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise InputError(
            template, _line(error, template), "", f"template error: {error}", "correct the line"
        ) from None
