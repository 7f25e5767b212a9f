#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""mutants.py SOURCE_ROOT [NAME...] - mistakes in the decision, each of which a test must find

Each mutant is one change of a rule. It is built with test-track and test-histories, and one of the two
must fail, the latter over COUNT random histories. The unchanged code must pass. Needs cc, libinih and
cmocka.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

COUNT = 20000
JUDGE, TRACK, HISTORY, CARD, MEMORY, PIN, CHOOSE, CHOOSE_ACCEL = (
    "src/model/identity/judge.c",
    "src/model/identity/track.c",
    "src/model/identity/history.c",
    "src/model/gpu/card.c",
    "src/model/identity/host-memory.c",
    "src/model/plan/choose/pin.c",
    "src/model/plan/choose/choose.c",
    "src/model/plan/choose/choose-accel.c",
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
        "history_knew(s->history, at, s->number) || may_be_a_spare(s, p))",
        "may_be_a_spare(s, p))",
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
        "are_different(f, x, y))",
        "false)",
    ),
    "a card that came from elsewhere is taken for one that showed no serial": (
        JUDGE,
        "(history_knew(s->history, now, s->number) ||",
        "(false ||",
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
    "a virtual function is any of its card": (
        MEMORY,
        "if (streq(c.address, now->address) && c.function == function)",
        "if (streq(c.address, now->address) && !c.function == !function)",
    ),
    "a virtual function is its card": (
        MEMORY,
        "if (streq(c.address, now->address) && c.function == function)",
        "if (streq(c.address, now->address))",
    ),
    "a policy does not know that its card was missing": (
        PIN,
        "c->state = t->next.state == TRACK_HERE ? NULL : track_state_name(t->next.state);",
        "c->state = NULL;",
    ),
    "a new history does not know the serials that pins know": (
        MEMORY,
        "if (serial && !history_has(",
        "if (false && !history_has(",
    ),
    "a new history knows those of missing cards alone": (
        MEMORY,
        "if (serial && !history_has(",
        "if (serial && m->pins[i].pinned.state != TRACK_HERE && !history_has(",
    ),
    "who was in a conflict is as before": (
        TRACK,
        "ret[i].next.state = TRACK_AMBIGUOUS;",
        "ret[i].next = f->t->pins[i];",
    ),
    "pins of one serial number may have two cards": (
        TRACK,
        "if (ret[i].card != ret[j].card && are_of_one_card(x, y))",
        "if (false)",
    ),
    "what a pin's neighbours show is not known": (
        JUDGE,
        "card_set_find_serial(&s->before, now, &at) > 0);",
        "false);",
    ),
    "a spare that was not read is a new card": (
        JUDGE,
        "|| may_be_a_spare(s, p))",
        ")",
    ),
    "the accelerator beside a GPU is chosen anew at each start": (
        CHOOSE,
        "return accel_is_wanted(x->in) && !is_accel_named(x, before);",
        "return false;",
    ),
    "another accelerator is chosen for one that is missing": (
        CHOOSE_ACCEL,
        "if (c->missing || c->undecided ||",
        "if (c->undecided ||",
    ),
    "what an accelerator's line named when it was seen is not asked": (
        CHOOSE_ACCEL,
        "sighting = named_accel(x);",
        "sighting = NULL;",
    ),
    "what replaced a card is what the line named": (
        "src/model/identity/sighting.c",
        "if (tracks[i].result == TRACK_REPLACED) /* it is",
        "if (false) /* it is",
    ),
    "what was seen is not followed at a look": (
        "tests/unit/start-stage.c",
        "refresh_sightings(a, s, &m);",
        ";",
    ),
    "what was seen is not followed at another container's start": (
        "tests/unit/start-stage.c",
        "refresh_sightings(a, s, &memory);",
        ";",
    ),
    "pins are not followed at a look": (
        "tests/unit/start-stage.c",
        "m.pins[i].pinned = tracks[i].next;",
        ";",
    ),
}


def sources(root):
    """What the tests are made of, relative to @root."""
    parts = ("src/base/*.c", "src/model/**/*.c", "src/pve/settings*.c")
    names = [name for part in parts for name in glob.glob(part, root_dir=root, recursive=True)]
    return [*names, "tests/unit/start-stage.c", "tests/unit/test-histories.c", "tests/unit/test-track.c"]


def compile_one(tree, name):
    target = f"{tree}/{name.replace('/', '+')}.o"
    subprocess.run(
        [*os.environ.get("CC", "cc").split(), "-O1", "-std=gnu17", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-w"]
        + [f"-I{tree}/src", "-c", "-o", target, f"{tree}/{name}"],
        check=True,
    )
    return target


def link_and_run(tree, objects):
    """Return the name of the test that failed; None: none did."""
    for test, other in ("test-track", "test-histories"), ("test-histories", "test-track"):
        program = f"{tree}/{test}"
        subprocess.run(
            [*os.environ.get("CC", "cc").split(), "-o", program]
            + [name for name in objects if f"{other}.c" not in name]
            + ["-linih", "-lcmocka"],
            check=True,
        )
        if subprocess.run([program, "1", str(COUNT)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return test
    return None


def main(root, names):
    failed = False
    with tempfile.TemporaryDirectory() as tree:
        for part in "src", "tests/unit":
            shutil.copytree(f"{root}/{part}", f"{tree}/{part}")
        objects = {name: compile_one(tree, name) for name in sources(tree)}
        if link_and_run(tree, objects.values()):
            print("not ok the code as it is")
            return True
        for name in names or MUTANTS:
            path, text, becomes = MUTANTS[name]
            with open(f"{tree}/{path}") as file:
                whole = file.read()
            if whole.count(text) != 1:
                print(f"not ok {name}: {path} has its text {whole.count(text)} times")
                failed = True
                continue
            with open(f"{tree}/{path}", "w") as file:
                file.write(whole.replace(text, becomes))
            compile_one(tree, path)
            found = link_and_run(tree, objects.values())
            print(f"{'ok' if found else 'not ok'} {name}" + (f" # {found}" if found else ""), flush=True)
            failed |= not found
            with open(f"{tree}/{path}", "w") as file:
                file.write(whole)
            compile_one(tree, path)
    return failed


sys.exit(main(sys.argv[1], sys.argv[2:]))
