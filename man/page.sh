#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# page.sh SCDOC - a page from stdin; its first line has man run tbl, which scdoc does not ask for
#
# No line ends within a word, or a command could not be copied; scdoc's .nh is undone by .TH.
page=$("$1") || exit
printf '%s\n' "'\\\" t" "$page" | sed '/^\.TH /a .nr HY 0\n.nh\n.cflags 0 -\\-\\[hy]'
