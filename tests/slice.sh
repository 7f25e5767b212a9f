#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# slice.sh SEED COUNT - COUNT of the lines on stdin, chosen by SEED: the same ones for the same SEED
set -eu
awk -v seed="${1:?usage: slice.sh SEED COUNT}" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' |
    LC_ALL=C sort | head -n "$2" | cut -f 2
