# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# 2. The two cards swap numbers between two boots
#
# What was card0 and renderD128 is card1 and renderD129 at the next boot and the
# other way round: every line in the container file now names the other GPU.
# The very next boot must have the same GPU by PCI address.

# A policy names the GPU; the lines are a guide's.
case_policy() { # long
    echo "gpu = pci:$B" | policy
    guide_subgid
    guide_lines $B | container
    start
    sees $B
    stop
    cards $B $A
    start
    sees $B
    stop
    cards $A $B
    start
    sees $B
}

# The policy is right and the lines have always named the other GPU.
case_policy_wins() { # long
    echo "gpu = pci:$B" | policy
    guide_subgid
    guide_lines $A | container
    start
    sees $B
}

# Nothing but the hookscript line and a guide's lines: the first boot believes
# them and pins what they name, the second has the pin.
case_pin() {
    guide_subgid
    guide_lines $A | container
    start
    sees $A
    stop
    cards $B $A
    start
    sees $A
}

# The same for the other card, so that "the first one" is never the answer.
case_pin_other() { # long
    guide_subgid
    guide_lines $B | container
    start
    sees $B
    stop
    cards $B $A
    start
    sees $B
}

# Only the render node was in the file: no card node comes in with the swap.
case_render_only() { # long
    guide_subgid
    guide_lines $A | grep -v -e /dev/dri/card -e "c $(number $A card) " | container
    start
    sees $A render
    stop
    cards $B $A
    start
    sees $A render
}
