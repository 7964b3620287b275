"""The Python that runs this workspace's programs is the one it registered."""

import unittest

import which_python


class WhichPythonTest(unittest.TestCase):
    def test_it_is_the_machines(self) -> None:
        self.assertEqual(which_python.prefix(), "/usr")


if __name__ == "__main__":
    unittest.main()
