/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * owner - from a container's file, and two of them compared
 *
 *     net0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:0A:0B:0C,ip=dhcp,type=veth
 *     hostname: media
 *     rootfs: local-lvm:vm-101-disk-0,size=8G
 */
#include "model/policy/owner.h"

#include "base/number.h"
#include "model/finding/reason.h"

static bool is_net(struct bytes key) {
        uint32_t n;

        return bytes_take_prefix(&key, "net") && parse_u32(key, &n);
}

static struct bytes hwaddr(struct bytes value) {
        while (value.len > 0) {
                struct bytes option = bytes_trim(bytes_cut(&value, ','));

                if (bytes_take_prefix(&option, "hwaddr="))
                        return option;
        }
        return value;
}

struct owner owner_of(struct arena *a, const struct pctconf *conf, uint32_t vmid) {
        struct owner o = { 0 };
        struct bytes value;

        for (size_t i = 1; i < conf->n_lines; i++) {
                const struct conf_line *l = &conf->lines[i];
                struct bytes mac = is_net(l->key) ? hwaddr(l->value) : (struct bytes){ 0 };

                if (mac.len > 0)
                        *ARENA_PUSH(a, o.macs, o.n_macs) = bytes_dup(a, mac);
        }
        if (pctconf_get(conf, "hostname", &value) && value.len > 0 &&
            !bytes_equal(value, bytes_of(arena_printf(a, "CT%u", vmid))))
                o.name = bytes_dup(a, value);
        if (pctconf_get(conf, "rootfs", &value)) {
                value = bytes_trim(bytes_cut(&value, ','));
                bytes_take_prefix(&value, "volume=");
                o.root = value.len > 0 ? bytes_dup(a, value) : NULL;
        }
        return o;
}

bool owner_is_known(const struct owner *o) {
        return o->n_macs > 0 || o->name || o->root;
}

static bool share_mac(const struct owner *x, const struct owner *y) {
        for (size_t i = 0; i < x->n_macs; i++)
                for (size_t j = 0; j < y->n_macs; j++)
                        if (bytes_equal_nocase(bytes_of(x->macs[i]), bytes_of(y->macs[j])))
                                return true;
        return false;
}

enum owner_match owner_compare(const struct owner *then, const struct owner *now) {
        bool macs = then->n_macs > 0 && now->n_macs > 0, names = then->name && now->name;
        bool same_name = names && streq(then->name, now->name);
        bool same_root = then->root && now->root && streq(then->root, now->root);

        if (share_mac(then, now))
                return OWNER_SAME;
        if (same_name)
                return !macs && same_root ? OWNER_SAME : OWNER_ALIKE;
        if (macs || (names && !same_root))
                return OWNER_OTHER;
        return OWNER_UNKNOWN;
}

static void add_part(struct strbuf *b, const char *what, const char *value) {
        strbuf_printf(b, "%s%s %s", b->len > 0 ? ", " : "", what, value);
}

const char *owner_text(struct arena *a, const struct owner *o) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < o->n_macs; i++)
                add_part(&b, WHY_OWNER_MAC, o->macs[i]);
        if (o->name)
                add_part(&b, WHY_OWNER_NAME, o->name);
        if (b.len == 0)
                strbuf_adds(&b, WHY_OWNER_NOTHING);
        return strbuf_str(&b);
}
