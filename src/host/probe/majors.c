/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* majors - who owns which character major, from /proc/devices */
#include "host/probe/majors.h"

#include "base/file.h"
#include "base/number.h"
#include "host/probe/sysfs.h"

enum { DEVICES_MAX = 64 * 1024 };

/* "Character devices:", "226 drm" and so on, an empty line, "Block devices:" and theirs */
static void majors_parse(struct arena *a, struct bytes text, struct facts *f) {
        struct bytes word;
        uint32_t number;

        while ((word = bytes_word(&text)).len > 0 && !bytes_equal(word, BYTES("Block"))) {
                struct char_major *m;

                if (!parse_u32(word, &number))
                        continue;
                word = bytes_word(&text);
                if (word.len == 0)
                        break;
                if (bytes_contains_char(word, '\0'))
                        continue;
                m = ARENA_PUSH(a, f->majors, f->n_majors);
                m->major = number;
                m->name = bytes_dup(a, word);
        }
}

int majors_read(struct arena *a, const char *root, struct facts *f) {
        struct bytes text;
        int r;

        if (f->n_majors > 0)
                return 0;
        r = file_read(a, arena_printf(a, "%s/proc/devices", root), DEVICES_MAX, &text);
        if (r < 0)
                return is_gone(r) ? 0 : r;
        majors_parse(a, text, f);
        return 0;
}
