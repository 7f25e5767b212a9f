/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * subid - which gids root may map, by /etc/subgid
 *
 * LXC maps with newgidmap as soon as it is installed, even for root, and
 * newgidmap insists on a delegation for every host range of the map. It takes
 * lines under the name "root" or the number 0 and drops lines that do not have
 * three whole fields, so lines with rubbish are passed over here as well.
 */
#include "host/probe/subid.h"

#include "base/file.h"
#include "base/number.h"

#include <errno.h>

enum { SUBID_FILE_MAX = 16 * 1024 * 1024 };

static bool owner_is_root(struct bytes owner) {
        return bytes_equal(owner, BYTES("root")) || bytes_equal(owner, BYTES("0"));
}

/* "root:100000:65536" */
static bool line_parse(struct bytes line, struct subid_range *ret_range) {
        const char *end = line.data + line.len;
        const char *first = memchr(line.data, ':', line.len);
        const char *second = first ? memchr(first + 1, ':', (size_t)(end - first - 1)) : NULL;
        struct subid_range range;

        if (!second || !owner_is_root((struct bytes){ line.data, (size_t)(first - line.data) }) ||
            !parse_u32((struct bytes){ first + 1, (size_t)(second - first - 1) }, &range.start) ||
            !parse_u32((struct bytes){ second + 1, (size_t)(end - second - 1) }, &range.count) ||
            range.count == 0)
                return false;
        *ret_range = range;
        return true;
}

void subids_parse(struct arena *a, struct bytes text, struct subid_range **ret_ranges,
                  size_t *ret_n) {
        struct subid_range *ranges = NULL, range;
        size_t n = 0;

        while (text.len > 0) {
                const char *end = memchr(text.data, '\n', text.len);
                size_t len = end ? (size_t)(end - text.data) : text.len;

                if (line_parse((struct bytes){ text.data, len }, &range))
                        *ARENA_PUSH(a, ranges, n) = range;
                len += end != NULL;
                text = (struct bytes){ text.data + len, text.len - len };
        }
        *ret_ranges = ranges;
        *ret_n = n;
}

static int read_file(struct arena *a, const char *root, const char *name,
                     struct subid_range **ret_ranges, size_t *ret_n) {
        struct bytes text = { 0 };
        int r;

        r = file_read(a, arena_printf(a, "%s/etc/%s", root, name), SUBID_FILE_MAX, &text);
        if (r < 0 && r != -ENOENT)
                return r;
        subids_parse(a, text, ret_ranges, ret_n);
        return 0;
}

int subgids_read(struct arena *a, const char *root, struct subid_range **ret_ranges,
                 size_t *ret_n) {
        return read_file(a, root, "subgid", ret_ranges, ret_n);
}

int subuids_read(struct arena *a, const char *root, struct subid_range **ret_ranges,
                 size_t *ret_n) {
        return read_file(a, root, "subuid", ret_ranges, ret_n);
}
