# SPDX-License-Identifier: Apache-2.0
"""Files of a machine, for tests of what is read there."""

from pathlib import Path

SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
CONFIGURED = "".join(
    f"CONFIG_{name}=y\n"
    for name in ("X86_64", "SPARSEMEM_VMEMMAP", "ZONE_DEVICE", "JUMP_LABEL", "TRACEPOINTS")
)


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
