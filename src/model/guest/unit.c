/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * unit - services, read from `systemctl show`
 *
 * One property a line, DeviceAllow= one line for each entry, lists with blanks:
 *
 *     Id=ollama.service
 *     SupplementaryGroups=video render
 *     DeviceAllow=/dev/dri/card1 rw
 *     DevicePolicy=auto
 *     Environment=OLLAMA_VULKAN=1 "GREETING=hello world"
 *     DropInPaths=/etc/systemd/system/ollama.service.d/50-gpuanchor.conf
 */
#include "model/guest/unit.h"
#include "base/number.h"

#include "model/gpu/family.h"
#include "model/guest/upkeep.h"

enum { MAX_UNITS = 64, MAX_WORDS = 64 };

static const char *copy(struct arena *a, struct bytes b) {
        return arena_strndup(a, b.data, b.len);
}

static void add_words(struct arena *a, struct bytes value, const char ***words, size_t *n) {
        struct bytes word;

        while (*n < MAX_WORDS && (word = bytes_word(&value)).len > 0)
                *ARENA_PUSH(a, *words, *n) = copy(a, word);
}

static void add_device(struct arena *a, struct unit *u, struct bytes value) {
        struct bytes path = bytes_word(&value);

        if (path.len > 0 && u->n_devices < MAX_WORDS)
                *ARENA_PUSH(a, u->devices, u->n_devices) =
                        (struct unit_device){ copy(a, path), copy(a, bytes_trim(value)) };
}

static void take(struct arena *a, struct unit *u, struct bytes key, struct bytes value) {
        if (bytes_equal(key, BYTES("Id")))
                u->id = copy(a, value);
        else if (bytes_equal(key, BYTES("LoadState")))
                u->loaded = bytes_equal(value, BYTES("loaded"));
        else if (bytes_equal(key, BYTES("ActiveState")))
                u->active = bytes_equal(value, BYTES("active"));
        else if (bytes_equal(key, BYTES("MainPID")))
                parse_u32(value, &u->main_pid);
        else if (bytes_equal(key, BYTES("User")))
                u->user = copy(a, value);
        else if (bytes_equal(key, BYTES("Group")))
                u->group = copy(a, value);
        else if (bytes_equal(key, BYTES("SupplementaryGroups")))
                add_words(a, value, &u->supplementary, &u->n_supplementary);
        else if (bytes_equal(key, BYTES("DeviceAllow")))
                add_device(a, u, value);
        else if (bytes_equal(key, BYTES("DevicePolicy")))
                u->device_policy = copy(a, value);
        else if (bytes_equal(key, BYTES("PrivateDevices")))
                u->private_devices = bytes_equal(value, BYTES("yes"));
        else if (bytes_equal(key, BYTES("Environment")))
                u->environment = value;
        else if (bytes_equal(key, BYTES("DropInPaths")))
                u->kept = bytes_contains(value, "/" UPKEEP_DROPIN);
}

size_t unit_parse(struct arena *a, struct bytes all, struct unit **ret) {
        const struct unit fresh = { .user = "", .group = "", .device_policy = "auto" };
        struct unit *units = NULL, u = fresh;
        size_t n = 0;

        while (all.len > 0 && n < MAX_UNITS) {
                struct bytes line = bytes_cut(&all, '\n'), key, value;

                if (bytes_split(line, '=', &key, &value))
                        take(a, &u, key, value);
                if (line.len > 0 && all.len > 0)
                        continue;
                if (u.id)
                        *ARENA_PUSH(a, units, n) = u;
                u = fresh;
        }
        *ret = units;
        return n;
}

/* "drm", "*": a name of /proc/devices, with * as in a shell; only the end matters */
static bool names_owner(const char *rule, const char *owner) {
        size_t n = strcspn(rule, "*");

        return rule[n] == '*' ? strncmp(rule, owner, n) == 0 : streq(rule, owner);
}

/* "char-drm": systemd allows all of the major that has this name */
static bool covers_class(const char *rule, const char *path) {
        const struct family *f = family_of_path(bytes_of(path));

        for (size_t i = 0; i < NODE_FAMILIES && f; i++) {
                const struct family *other = &families[i];

                if ((other == f || (f->major != 0 && f->major == other->major)) &&
                    names_owner(rule, other->owner))
                        return true;
        }
        return false;
}

bool unit_allows(const struct unit *u, const char *path) {
        if (u->private_devices)
                return false;
        if (u->n_devices == 0)
                return streq(u->device_policy, "auto");
        for (size_t i = 0; i < u->n_devices; i++) {
                const struct unit_device *d = &u->devices[i];

                if (!strchr(d->access, 'r') || !strchr(d->access, 'w'))
                        continue;
                if (streq(d->path, path) ||
                    (str_has_prefix(d->path, "char-") && covers_class(d->path + 5, path)))
                        return true;
        }
        return false;
}

bool environment_value(struct bytes all, const char *name, struct bytes *ret) {
        size_t n = strlen(name);

        for (size_t i = 0; i + n < all.len; i++) {
                const char *at = all.data + i;
                char before = i > 0 ? at[-1] : ' ';
                size_t len = 0;

                if ((before != ' ' && before != '\0' && before != '"' && before != '\'') ||
                    memcmp(at, name, n) != 0 || at[n] != '=')
                        continue;
                for (at += n + 1; at + len < all.data + all.len; len++)
                        if (!at[len] || strchr(" \"'\n", at[len]))
                                break;
                *ret = (struct bytes){ at, len };
                return true;
        }
        return false;
}
