"""Tests of channel.py."""

import os

from tools.structure_test.channel import Channel


def test_the_other_process_s_notes_are_read() -> None:
    channel = Channel()
    pid = os.fork()
    if not pid:
        try:
            channel.skip("no\nnamespaces")
            channel.skip("no emulator")
            channel.fault("a\nb")
            channel.fail("c")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    notes = channel.read()
    assert list(notes.skips.values()) == ["no\nnamespaces", "no emulator"]
    assert (notes.faults, notes.failed) == (["a\nb"], "c")
    channel.close()


def test_no_token_is_given_twice() -> None:
    channel = Channel()
    tokens = {channel.skip("x") for _ in range(100)}
    assert (len(tokens), set(channel.read().skips)) == (100, tokens)
    assert all(len(token) == 32 for token in tokens)
    channel.close()
