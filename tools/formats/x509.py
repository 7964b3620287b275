"""The subject hash OpenSSL names certificates by (``openssl x509 -subject_hash``)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_PEM = re.compile(rb"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----(.*?)-----END", re.DOTALL)
# ASN.1 string types OpenSSL brings to a canonical form, with their encodings.
_STRINGS = {
    12: "utf-8",  # UTF8String
    19: "latin-1",  # PrintableString
    20: "latin-1",  # T61String
    22: "latin-1",  # IA5String
    26: "latin-1",  # VisibleString
    28: "utf-32-be",  # UniversalString
    30: "utf-16-be",  # BMPString
}
_UTF8, _SEQUENCE, _SET, _VERSION = 12, 0x30, 0x31, 0xA0
_BLANKS = b" \t\n\v\f\r"
_BLANK_RUN = re.compile(b"[" + _BLANKS + b"]+")


class CertificateError(ValueError):
    """Not a certificate in PEM."""


def subject_hash(pem: bytes) -> str:
    """Eight hex digits: the first four bytes of the canonical subject's SHA-1, read backwards."""
    match = _PEM.search(pem)
    if match is None:
        raise CertificateError("no certificate in PEM")
    try:
        subject = _subject(base64.b64decode(match[1]))
    except (IndexError, UnicodeDecodeError, binascii.Error) as error:
        raise CertificateError(str(error)) from None
    # SHA-1 is OpenSSL's choice of name, not a signature.
    digest = hashlib.sha1(subject, usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}"


def _subject(der: bytes) -> bytes:
    """The subject in OpenSSL's canonical form: normalised RDNs without the outer sequence."""
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # TBSCertificate
    tag, _, end = _element(der, at)
    if tag == _VERSION:
        at = end
    for _ in range(4):  # serial number, signature algorithm, issuer, validity
        at = _element(der, at)[2]
    _, at, end = _element(der, at)
    out = bytearray()
    while at < end:
        _, inner, at = _element(der, at)
        attributes: list[bytes] = []
        while inner < at:
            _, oid, inner_end = _element(der, inner)
            value = _element(der, oid)[2]
            attributes.append(_encode(_SEQUENCE, der[oid:value] + _canonical(der, value)))
            inner = inner_end
        out += _encode(_SET, b"".join(sorted(attributes)))
    return bytes(out)


def _canonical(der: bytes, at: int) -> bytes:
    """A string as UTF-8, blanks trimmed and merged, ASCII in lower case; others as they are."""
    tag, start, end = _element(der, at)
    if tag not in _STRINGS:
        return der[at:end]
    text = der[start:end].decode(_STRINGS[tag]).encode("utf-8").strip(_BLANKS)
    return _encode(_UTF8, _BLANK_RUN.sub(b" ", text).lower())


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start of the content and end of the element at an offset."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length = int.from_bytes(der[start : start + size], "big")
        start += size
    if start + length > len(der):
        raise IndexError("truncated certificate")
    return tag, start, start + length


def _encode(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content
