"""What end-to-end tests take from the catalog by its role; e2e.bzl hands it over."""

from __future__ import annotations

import json
import os

_ROLES: dict[str, str] = json.loads(os.environ["ROLES"])

# Minor versions such as 3.14, the newest final one and the one before; suites, the default one and
# another that is supported; what is the same twice where there is but one.
MINOR, OTHER_MINOR = _ROLES["minor"], _ROLES["other_minor"]
SUITE, OTHER_SUITE = _ROLES["suite"], _ROLES["other_suite"]
# The releases that the minor versions mean here, such as 3.14.7.
RELEASE, OTHER_RELEASE = _ROLES["release"], _ROLES["other_release"]
