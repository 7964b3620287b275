"""For structure tests under wine: without what old wines lack, CPython copies files otherwise."""

import _winapi

_winapi.__dict__.pop("CopyFile2", None)
