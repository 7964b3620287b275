"""RSA signatures (PKCS #1 v1.5) as Alpine makes them: reading public keys, checking signatures.

Python's standard library only, since the tools' interpreter has no cryptography package. Checking
takes no secret, so nothing here has to run in constant time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from tools.formats.alpine.alpine_error import AlpineError

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----\s(.*?)-----END PUBLIC KEY-----", re.DOTALL)
_SEQUENCE, _INTEGER, _BIT_STRING = 0x30, 0x02, 0x03
# AlgorithmIdentifier of rsaEncryption: its object identifier and a NULL.
_RSA_ENCRYPTION = bytes.fromhex("06092a864886f70d0101010500")
# What stands before the digest in the signed block: DigestInfo of RFC 8017, section 9.2.
_DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
# Shorter keys can be broken; Alpine's shortest in use has 2048 bits.
MINIMUM_BITS = 2048


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public RSA key: `modulus` and `exponent`."""

    modulus: int
    exponent: int

    @property
    def size(self) -> int:
        """Length of the modulus, and so of a signature, in bytes."""
        return (self.modulus.bit_length() + 7) // 8


def fingerprint(pem: bytes, subject: object) -> str:
    """SHA-256, in hex, of a key's SubjectPublicKeyInfo. Raises AlpineError."""
    return hashlib.sha256(_der(pem, subject)).hexdigest()


def public_key(pem: bytes, subject: object) -> PublicKey:
    """Read a key in PEM, as Alpine's .rsa.pub files have it; errors name `subject`.

    Raises AlpineError for anything else, and for a key that is too short to be trusted.
    """
    der = _der(pem, subject)
    try:
        info, rest = _element(der, _SEQUENCE)
        algorithm, after = _element(info, _SEQUENCE)
        if rest or algorithm != _RSA_ENCRYPTION:
            raise ValueError("no RSA key")
        bits, rest = _element(after, _BIT_STRING)
        if rest or bits[:1] != b"\0":
            raise ValueError("odd bit string")
        numbers, rest = _element(bits[1:], _SEQUENCE)
        modulus, after = _element(numbers, _INTEGER)
        exponent, end = _element(after, _INTEGER)
        if rest or end:
            raise ValueError("bytes after the key")
    except (IndexError, ValueError) as error:
        raise AlpineError(subject, f"is no public RSA key: {error}") from None
    key = PublicKey(int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big"))
    if key.modulus.bit_length() < MINIMUM_BITS or key.exponent < 3:
        bits_found = key.modulus.bit_length()
        raise AlpineError(subject, f"is a key of {bits_found} bits; {MINIMUM_BITS} are needed")
    return key


def verifies(key: PublicKey, algorithm: str, data: bytes | memoryview, signature: bytes) -> bool:
    """Whether `signature` is the key's over `data`; `algorithm` is sha1, sha256 or sha512.

    The whole block is made and compared, never parsed, so that nothing can hide in its padding.
    """
    if len(signature) != key.size:
        return False
    number = int.from_bytes(signature, "big")
    if number >= key.modulus:
        return False
    found = pow(number, key.exponent, key.modulus).to_bytes(key.size, "big")
    return found == padded(algorithm, data, key.size)


def padded(algorithm: str, data: bytes | memoryview, size: int) -> bytes:
    """EMSA-PKCS1-v1_5: the block of `size` bytes that is signed for `data`."""
    digest = _DIGEST_INFO[algorithm] + hashlib.new(algorithm, data, usedforsecurity=False).digest()
    return b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest


def _der(pem: bytes, subject: object) -> bytes:
    match = _PEM.search(pem)
    if match is None:
        raise AlpineError(subject, "is no public key in PEM")
    try:
        return base64.b64decode(b"".join(match[1].split()), validate=True)
    except binascii.Error as error:
        raise AlpineError(subject, f"is no public key in PEM: {error}") from None


def _element(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Content of the DER element of kind `tag` that `der` begins with, and what follows it."""
    if der[0] != tag:
        raise ValueError(f"tag {der[0]:#x} instead of {tag:#x}")
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    if start + length > len(der):
        raise IndexError("truncated")
    return der[start : start + length], der[start + length :]
