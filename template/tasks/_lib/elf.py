"""Reads the head of an ELF file: which machine it is for, and whether it is linked statically."""

import struct

# e_machine → platform, from the ELF specification's table of machines.
_MACHINES = {62: "linux/amd64", 183: "linux/arm64", 40: "linux/arm/v7"}
_PT_INTERP = 3


def describe(content: bytes) -> tuple[str, bool]:
    """Return the platform ("unknown" for others) and whether the program needs no loader. Not ELF: ValueError."""
    if content[:4] != b"\x7fELF":
        raise ValueError("not an ELF file")
    wide = content[4] == 2
    (machine,) = struct.unpack_from("<H", content, 18)
    (table,) = struct.unpack_from("<Q" if wide else "<I", content, 32 if wide else 28)
    size, count = struct.unpack_from("<HH", content, 54 if wide else 42)
    kinds = [struct.unpack_from("<I", content, table + number * size)[0] for number in range(count)]
    return _MACHINES.get(machine, "unknown"), _PT_INTERP not in kinds
