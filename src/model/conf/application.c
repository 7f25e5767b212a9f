/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* application - `entrypoint:` and lxc.environment */
#include "model/conf/application.h"

#include "base/number.h"

/*
 * As Proxmox asks it, /sbin/init apart from other names of an init system. A raw line comes behind
 * what Proxmox makes of `entrypoint:` and wins; alone it may be a system's own init, unless there
 * are variables of an image, too.
 */
struct bytes conf_application(const struct pctconf *c) {
        struct bytes init = { 0 }, word;
        bool image = pctconf_get(c, "entrypoint", &init) ||
                     pctconf_get(c, "lxc.environment.runtime", &word);

        if (image && pctconf_get(c, "lxc.init.cmd", &word) && word.len > 0)
                init = word;
        word = bytes_word(&init);
        if (word.len >= 2 && word.data[0] == '\'' && word.data[word.len - 1] == '\'')
                word = (struct bytes){ word.data + 1, word.len - 2 };
        return BYTES_IN(word, "/sbin/init", "/usr/sbin/init", "/lib/systemd/systemd",
                        "/usr/lib/systemd/systemd")
                       ? (struct bytes){ 0 }
                       : word;
}

struct init_ids conf_init_ids(const struct pctconf *c) {
        struct init_ids i = { 0 };
        struct bytes value;

        if (pctconf_get(c, "lxc.init.uid", &value))
                (void)parse_u32(value, &i.uid);
        if (pctconf_get(c, "lxc.init.gid", &value))
                (void)parse_u32(value, &i.gid);
        (void)pctconf_get(c, "lxc.init.groups", &i.groups);
        return i;
}

bool init_has_group(const struct init_ids *init, uint32_t gid) {
        struct bytes rest = init->groups;
        uint32_t own;

        while (rest.len > 0)
                if (parse_u32(bytes_trim(bytes_cut(&rest, ',')), &own) && own == gid)
                        return true;
        return false;
}

enum environment environment_of(struct bytes key) {
        if (bytes_equal(key, BYTES("lxc.environment.runtime")))
                return ENVIRONMENT_RUNTIME;
        if (bytes_equal(key, BYTES("lxc.environment.hooks")))
                return ENVIRONMENT_HOOKS;
        return bytes_equal(key, BYTES("lxc.environment")) ? ENVIRONMENT_BOTH : ENVIRONMENT_NONE;
}

enum environment environment_parse(const struct conf_line *l, struct bytes *ret_name,
                                   struct bytes *ret_value) {
        enum environment e = environment_of(l->key);

        return e != ENVIRONMENT_NONE && bytes_split(l->value, '=', ret_name, ret_value)
                       ? e
                       : ENVIRONMENT_NONE;
}
