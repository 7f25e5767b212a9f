#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# mkhwdb.py FILE VVVV:DDDD=MODEL... - a hardware database of PCI devices, as systemd-hwdb(8) makes it
#
# The format is that of systemd's src/libsystemd/sd-hwdb/hwdb-internal.h: a header, a trie of nodes,
# each with its children and values behind it, and the strings. One branch for each device.
import struct
import sys

HEADER, NODE, CHILD, VALUE = 80, 24, 16, 16


def main(path, *devices):
    strings, nodes = bytearray(), bytearray()

    def string(text):
        strings.extend(text.encode() + b"\0")
        return len(strings) - len(text.encode()) - 1

    def node(prefix, children=(), values=()):
        at = HEADER + len(nodes)
        nodes.extend(struct.pack("<QB7xQ", string(prefix), len(children), len(values)))
        for char, child in children:
            nodes.extend(struct.pack("<B7xQ", ord(char), child))
        for key, value in values:
            nodes.extend(struct.pack("<QQ", string(key), string(value)))
        return at

    def tree(entries):
        """A node for each character: children are searched, so they are in order."""
        if "" in entries:
            return node("", [("*", node("", (), [(" ID_MODEL_FROM_DATABASE", entries[""])]))])
        heads = sorted({key[0] for key in entries})
        return node("", [(h, tree({k[1:]: v for k, v in entries.items() if k[0] == h})) for h in heads])

    entries = {}
    for device in devices:
        ids, model = device.split("=", 1)
        vendor, number = ids.split(":")
        entries[f"pci:v0000{vendor.upper()}d0000{number.upper()}"] = model
    root = tree(entries)
    base = HEADER + len(nodes)
    # offsets of strings count from the beginning of the file, like those of nodes
    fixed = bytearray(nodes)
    at = 0
    while at < len(fixed):
        prefix, n_children, n_values = struct.unpack_from("<QB7xQ", fixed, at)
        struct.pack_into("<Q", fixed, at, prefix + base)
        at += NODE + n_children * CHILD
        for _ in range(n_values):
            key, value = struct.unpack_from("<QQ", fixed, at)
            struct.pack_into("<QQ", fixed, at, key + base, value + base)
            at += VALUE
    size = base + len(strings)
    with open(path, "wb") as f:
        f.write(b"KSLPHHRH" + struct.pack("<9Q", 252, size, HEADER, NODE, CHILD, VALUE, root, len(nodes), len(strings)))
        f.write(fixed + strings)


main(*sys.argv[1:])
