"""The application's test runs on the interpreter of the image."""

import sqlite3
import subprocess
import sys
import sysconfig
import unittest

import app


class AppTest(unittest.TestCase):
    def test_it_runs_on_the_images_python(self) -> None:
        self.assertTrue(app.about().startswith("Python 3.14."))
        # docker-library's prefix, wherever the build has put it.
        self.assertTrue(sys.base_prefix.endswith("/usr/local"), sys.base_prefix)
        self.assertEqual(sysconfig.get_config_var("MULTIARCH"), "x86_64-linux-gnu")

    def test_modules_in_c_and_their_libraries_work(self) -> None:
        (row,) = sqlite3.connect(":memory:").execute("select 6 * 7")
        self.assertEqual(row, (42,))

    def test_programs_it_starts_run_on_it_too(self) -> None:
        command = [sys.executable, "-c", "import sys; print(sys.version)"]
        shown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        self.assertEqual(shown.strip(), sys.version)


if __name__ == "__main__":
    unittest.main()
