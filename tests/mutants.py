#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mutants.py SOURCE_ROOT [NAME...] - mistakes in the decision, each of which test-histories must find

Each mutant is one change of a rule in src/model/identity. It is built with test-histories and
must fail over COUNT random histories. The unchanged code must pass. Needs cc.
"""
import os
import shutil
import subprocess
import sys
import tempfile

COUNT = 40000
SOURCES = [
    "tests/unit/test-histories.c",
    *(f"src/model/identity/{name}.c" for name in ("card-set", "history", "judge", "track")),
    "src/model/gpu/card.c",
    "src/model/gpu/pci-ids.c",
    *(f"src/base/{name}.c" for name in ("arena", "bytes", "number")),
]
JUDGE, TRACK, HISTORY, CARD = (
    "src/model/identity/judge.c",
    "src/model/identity/track.c",
    "src/model/identity/history.c",
    "src/model/gpu/card.c",
)
MUTANTS = {  # name: (file, text, what it becomes)
    "serials are not compared": (
        CARD,
        "match = SERIAL_EQUAL;",
        "match = SERIAL_UNKNOWN;",
    ),
    "a serial that two cards have is believed": (
        HISTORY,
        "(s && s->shared)",
        "false",
    ),
    "two ids of four are compared": (
        "src/model/gpu/pci-ids.c",
        "a->device == b->device",
        "true",
    ),
    "lost and gained does not matter": (
        JUDGE,
        "if (!lost_and_gained(s))",
        "if (true)",
    ),
    "the last card is followed wherever it is": (
        JUDGE,
        "only = s->before.n == 1 ? card_shown(s->before.cards[0]) : (struct card){ 0 };",
        "only = p->card;",
    ),
    "a known card is a replacement": (
        JUDGE,
        "history_knew(s->history, at, s->number))\n                return surely(place_lost(p, TRACK_MISSING));\n        next",
        "false)\n                return surely(place_lost(p, TRACK_MISSING));\n        next",
    ),
    "what was ambiguous is told by waiting": (
        TRACK,
        "next.state = x->place.state;",
        "next.state = TRACK_HERE;",
    ),
    "a card that was there while this one was missing is taken": (
        JUDGE,
        "if (p->state == TRACK_MISSING && card_set_at(&s->before, p->card.port))",
        "if (false)",
    ),
    "a serial that cannot be read now is forgotten": (
        JUDGE,
        "if ((now->kept & SERIAL_BIT(kind)) || !c.serials[kind])",
        "if (false)",
    ),
    "a renumbered root bus is not followed": (
        JUDGE,
        "at = shifted(s, p);",
        "at = NULL;",
    ),
    "a moved card is not followed": (
        JUDGE,
        "if (s->after.n == 1 && card_is_at",
        "if (s->after.n == 9 && card_is_at",
    ),
    "another serial number at the port does not matter": (
        JUDGE,
        "if (!at || is_other(&p->card, at))",
        "if (!at)",
    ),
    "cards that other pins have are free": (
        TRACK,
        "x->owned = x->next.if_free && is_owned(f, x);",
        "x->owned = false;",
    ),
    "pins of different cards may have one card": (
        TRACK,
        "are_different(f, &f->followers[i], &f->followers[j]))",
        "false)",
    ),
    "a card that came from elsewhere is taken for one that showed no serial": (
        JUDGE,
        "history_knew(s->history, now, s->number);\n}",
        "false;\n}",
    ),
    "a card that shows no serial is taken for one that had one": (
        JUDGE,
        "if (known->serials[kind] && (now->none & SERIAL_BIT(kind)))",
        "if (false)",
    ),
    "a serial that was kept counts as read when a card is replaced": (
        JUDGE,
        "card_shown(s->after.cards[i]);",
        "s->after.cards[i];",
    ),
}


def build_and_run(folder, work):
    program = f"{work}/test-histories"
    subprocess.run(
        [os.environ.get("CC", "cc"), "-O1", "-std=gnu17", "-D_GNU_SOURCE", "-w", f"-I{folder}/src", "-o", program]
        + [f"{folder}/{name}" for name in SOURCES],
        check=True,
    )
    return subprocess.run([program, "1", str(COUNT)], stdout=subprocess.DEVNULL).returncode


def main(root, names):
    failed = False
    with tempfile.TemporaryDirectory() as work:
        for part in "src/model", "src/base", "tests/unit":
            shutil.copytree(f"{root}/{part}", f"{work}/tree/{part}")
        if not names and build_and_run(f"{work}/tree", work) != 0:
            print("not ok the code as it is")
            return True
        for name in names or MUTANTS:
            path, text, becomes = MUTANTS[name]
            with open(f"{work}/tree/{path}") as file:
                whole = file.read()
            if whole.count(text) != 1:
                print(f"not ok {name}: {path} has its text {whole.count(text)} times")
                failed = True
                continue
            with open(f"{work}/tree/{path}", "w") as file:
                file.write(whole.replace(text, becomes))
            found = build_and_run(f"{work}/tree", work) != 0
            print(f"{'ok' if found else 'not ok'} {name}")
            failed |= not found
            with open(f"{work}/tree/{path}", "w") as file:
                file.write(whole)
    return failed


sys.exit(main(sys.argv[1], sys.argv[2:]))
