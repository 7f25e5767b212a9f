/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* salvage - pins and owner, line by line */
#include "model/policy/salvage.h"

#include "model/policy/memory.h"

/* "[pin pve1", whether or not the bracket is closed */
static const char *lenient_section(struct arena *a, const struct ini_line *line) {
        struct bytes name = line->text;

        if (line->kind == INI_ENTRY) {
                bytes_take_prefix(&name, "[");
                name = bytes_trim(bytes_cut(&name, ']'));
        }
        return bytes_dup(a, name);
}

static bool is_salvaged(const struct ini_entry *e) {
        struct bytes node;

        return policy_section_node(bytes_of(e->section), &node) ||
               (BYTES_IN(bytes_of(e->section), "memory") &&
                BYTES_IN(bytes_of(e->key), "mac", "hostname", "rootfs"));
}

void policy_salvage(struct arena *a, struct bytes file, struct policy *p) {
        struct ini_entry e = { 0 };
        struct ini ini;

        ini_split(a, file, &ini);
        for (size_t i = 0; i < ini.n; i++) {
                const struct ini_line *line = &ini.lines[i];
                struct bytes key, value;

                if (line->kind == INI_NONE || line->text.len > INI_LINE_MAX ||
                    bytes_contains_char(line->text, '\0'))
                        continue;
                if (line->kind == INI_HEADING || line->text.data[0] == '[') {
                        e.section = lenient_section(a, line);
                } else if (e.section && bytes_split(line->text, '=', &key, &value)) {
                        e.key = bytes_dup(a, bytes_trim(key));
                        e.value = bytes_dup(a, bytes_trim(value));
                        if (is_salvaged(&e))
                                (void)policy_parse_memory(a, p, &e);
                }
        }
}
