/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * tar - a handful of small text files as one archive
 *
 * Only regular files with short names, in memory: tar(1) would need a folder to
 * pack, and a caller that removes it again whatever happens.
 */
#include "base/tar.h"

#define BLOCK 512

/* POSIX.1-1988 ustar; numbers are octal digits and a NUL */
struct header {
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
                magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155],
                rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static void add_padding(struct strbuf *b, size_t size) {
        static const char zeros[BLOCK];

        strbuf_add(b, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

void tar_add(struct strbuf *b, const char *name, struct bytes content, int64_t mtime) {
        struct header h = { .type = '0', .magic = "ustar", .version = { '0', '0' } };
        unsigned sum = 0;

        snprintf(h.name, sizeof(h.name), "%s", name);
        strcpy(h.mode, "0000644");
        strcpy(h.uid, "0000000");
        strcpy(h.gid, "0000000");
        snprintf(h.size, sizeof(h.size), "%011llo", (unsigned long long)content.len & 077777777777);
        snprintf(h.mtime, sizeof(h.mtime), "%011llo", (unsigned long long)mtime & 077777777777);
        memset(h.checksum, ' ', sizeof(h.checksum)); /* what it counts as in its own sum */
        for (size_t i = 0; i < sizeof(h); i++)
                sum += ((const unsigned char *)&h)[i];
        snprintf(h.checksum, sizeof(h.checksum), "%06o", sum);
        strbuf_add(b, (const char *)&h, sizeof(h));
        strbuf_add_bytes(b, content);
        add_padding(b, content.len);
}

void tar_end(struct strbuf *b) {
        static const char zeros[2 * BLOCK];

        strbuf_add(b, zeros, sizeof(zeros));
}
