"""AttestationsInfo: the documents about an image."""

AttestationsInfo = provider(
    doc = "The documents about one image, as files.",
    fields = {
        "base": "struct: what a bill of an image on this one takes over, the attributes `about`, " +
                "`bundled`, `packages`, `patches`, `source`, `suite` and `tools` of image_sbom: " +
                "`tools` as list of (File, roles), the others as Files, lists and dicts",
        "cyclonedx": "File: the bill of materials as CycloneDX 1.6 JSON",
        "image": "File: the image, an OCI layout directory",
        "provenance": "File: the in-toto statement with SLSA provenance v1",
        "spdx": "File: the bill of materials as SPDX 2.3 JSON",
        "vex": "File: what patches of CPython fix, as OpenVEX JSON; None without patches",
    },
)
