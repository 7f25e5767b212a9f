/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hostpci - the hostpciN lines of the current section
 */
#include "model/conf/hostpci.h"

#include "base/number.h"
#include "model/gpu/pci-address.h"

static void parse_addresses(struct arena *a, struct bytes list, struct hostpci *h) {
        while (list.len > 0) {
                const char *path = pci_path_normalize(a, bytes_cut(&list, ';'));

                if (path)
                        *ARENA_PUSH(a, h->paths, h->n_paths) = path;
        }
}

static struct hostpci parse_value(struct arena *a, struct bytes value) {
        struct hostpci h = { 0 };

        while (value.len > 0) {
                struct bytes part = bytes_trim(bytes_cut(&value, ','));

                if (bytes_take_prefix(&part, "mapping="))
                        h.mapping = bytes_dup(a, part);
                else if (bytes_has_prefix(part, "mdev="))
                        h.mediated = true;
                else if (bytes_take_prefix(&part, "host=") || !bytes_contains_char(part, '='))
                        parse_addresses(a, part, &h);
        }
        return h;
}

/* The place of @key among the lines read so far; a new one when it is new. */
static struct hostpci *slot(struct arena *a, struct hostpci **list, size_t *n, struct bytes key) {
        for (size_t i = 0; i < *n; i++)
                if (bytes_equal(bytes_of((*list)[i].key), key))
                        return &(*list)[i];
        return ARENA_PUSH(a, *list, *n);
}

size_t hostpci_parse(struct arena *a, struct bytes conf, struct hostpci **ret) {
        struct hostpci *list = NULL;
        size_t n = 0;

        while (conf.len > 0 && conf.data[0] != '[') {
                struct bytes line = bytes_cut(&conf, '\n'), key = bytes_cut(&line, ':');
                struct bytes index = key;
                struct hostpci h;
                uint32_t number;

                if (!bytes_take_prefix(&index, "hostpci") || !parse_u32(index, &number))
                        continue;
                h = parse_value(a, bytes_trim(line));
                h.key = bytes_dup(a, key);
                *slot(a, &list, &n, key) = h;
        }
        *ret = list;
        return n;
}
