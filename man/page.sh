#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# page.sh SCDOC - a page from stdin; its first line has man run tbl, which scdoc does not ask for
printf '%s\n' "'\\\" t"
exec "$1"
