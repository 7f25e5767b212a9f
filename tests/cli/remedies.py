#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# remedies.py - findings of plan and status about container 101, and the commands of their remedies
#
# One line each: FINDING, tab, COMMANDS. A remedy is a sentence. Of alternatives ("or", "to do without
# it") the first is taken; none where a person has to decide, which it then says, or to put in a name.
import json
import re
import subprocess

COMMAND = re.compile(
    r"gpuanchor (?:enable|apply) (?:--all|[0-9]+)(?: --[a-z-]+ (?:'[^']*'|[^ ;,]+(?:,[^ ;,]+)*))*"
    r"|gpuanchor fix [0-9]+ [a-z-]+"
    r"|pct set [0-9]+ --delete [^ ;,]+|pct unlock [0-9]+|usermod --add-subgids [0-9-]+ root")
OTHERWISE = re.compile(r"; to do without|; to choose|, or[: ]")
A_PERSON = re.compile(r"decide|remove|SELECTOR|ADDRESS|NAME|pct start|pct reboot|mknod|rm /")

found = {}
for verb in "plan", "status":
    out = subprocess.run(["gpuanchor", verb, "--json", "101"], capture_output=True, text=True, check=False).stdout
    for finding in json.loads(out)["findings"] if out else []:
        key = "|".join(str(finding.get(field)) for field in ("code", "where", "old", "gpu"))
        found.setdefault(key, finding.get("remedy") or "")
for key, remedy in found.items():
    first = OTHERWISE.split(remedy)[0]
    print(key, "" if A_PERSON.search(first) else "; ".join(COMMAND.findall(first)), sep="\t")
