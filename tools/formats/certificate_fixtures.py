"""A certificate for tests, and what OpenSSL says of it."""

from __future__ import annotations

# A certificate made for tests: C=DE, O="  Ein   BEISPIEL  ", OU=Übung, CN=Test Root CA, so that
# blanks, case and letters beyond ASCII have to be brought to OpenSSL's canonical form.
PEM = """\
-----BEGIN CERTIFICATE-----
MIIB6DCCAY6gAwIBAgIBATAKBggqhkjOPQQDAjBSMQswCQYDVQQGEwJERTEbMBkG
A1UECgwSICBFaW4gICBCRUlTUElFTCAgMQ8wDQYDVQQLDAbDnGJ1bmcxFTATBgNV
BAMMDFRlc3QgUm9vdCBDQTAgFw0yNjExMjAxMjA2NTdaGA8yMTI2MTAyNzEyMDY1
N1owUjELMAkGA1UEBhMCREUxGzAZBgNVBAoMEiAgRWluICAgQkVJU1BJRUwgIDEP
MA0GA1UECwwGw5xidW5nMRUwEwYDVQQDDAxUZXN0IFJvb3QgQ0EwWTATBgcqhkjO
PQIBBggqhkjOPQMBBwNCAATsRAtwBBJr2iRNwhZV+Pj2kMLG72qqrgNCf6+SfBxo
hnNLYPV0ck3TFTwwlF0as+okeahhG6H0skJppvsGQOego1MwUTAdBgNVHQ4EFgQU
n+YLVP7X3HACajLS0YCqjgnGBx4wHwYDVR0jBBgwFoAUn+YLVP7X3HACajLS0YCq
jgnGBx4wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiAsURmO/yWS
86ayWK3Mvwi3vuQU1XP9RYgbdgRpzWEutAIhAP7GoDwbLZrokWEG6sUiHLll3gdW
Fe+4Nc7EOEZo6S0B
-----END CERTIFICATE-----
"""
# openssl x509 -noout -subject_hash
HASH = "3613d01a"
