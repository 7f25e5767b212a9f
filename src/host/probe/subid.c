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

/* "root:100000:65536" */
static bool line_parse(struct bytes line, struct subid_range *ret_range) {
        struct bytes owner = bytes_cut(&line, ':'), start = bytes_cut(&line, ':');
        struct subid_range range;

        if (!BYTES_IN(owner, "root", "0") || !parse_u32(start, &range.start) ||
            !parse_u32(line, &range.count) || range.count == 0)
                return false;
        *ret_range = range;
        return true;
}

void subids_parse(struct arena *a, struct bytes text, struct subid_range **ret_ranges,
                  size_t *ret_n) {
        struct subid_range *ranges = NULL, range;
        size_t n = 0;

        while (text.len > 0)
                if (line_parse(bytes_cut(&text, '\n'), &range))
                        *ARENA_PUSH(a, ranges, n) = range;
        *ret_ranges = ranges;
        *ret_n = n;
}

static int read_file(struct arena *a, const char *path, struct subid_range **ret_ranges,
                     size_t *ret_n) {
        struct bytes text = { 0 };
        int r;

        r = file_read(a, path, SUBID_FILE_MAX, &text);
        if (r < 0 && r != -ENOENT)
                return r;
        subids_parse(a, text, ret_ranges, ret_n);
        return 0;
}

int subgids_read(struct arena *a, const char *root, struct subid_range **ret_ranges,
                 size_t *ret_n) {
        return read_file(a, arena_printf(a, "%s/etc/subgid", root), ret_ranges, ret_n);
}

int subuids_read(struct arena *a, const char *root, struct subid_range **ret_ranges,
                 size_t *ret_n) {
        return read_file(a, arena_printf(a, "%s/etc/subuid", root), ret_ranges, ret_n);
}
