/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * accounts - users and groups from their files
 *
 * Of the host, or of a container, whose root may have written anything: a line without a
 * number does not count, the first line of a name does, as for getgrnam().
 */
#include "model/guest/accounts.h"

#include "base/number.h"

bool account_next(struct bytes *text, struct account *ret) {
        while (text->len > 0) {
                struct account found = { .rest = bytes_cut(text, '\n') };

                found.name = bytes_cut(&found.rest, ':');
                bytes_cut(&found.rest, ':');
                if (parse_u32(bytes_cut(&found.rest, ':'), &found.id)) {
                        *ret = found;
                        return true;
                }
        }
        return false;
}

bool account_find(struct bytes text, const char *name, struct account *ret) {
        while (account_next(&text, ret))
                if (bytes_equal(ret->name, bytes_of(name)))
                        return true;
        return false;
}

static bool find_id(struct bytes text, uint32_t id, struct account *ret) {
        while (account_next(&text, ret))
                if (ret->id == id)
                        return true;
        return false;
}

bool account_user(struct bytes passwd, const char *name, uint32_t *ret_uid, uint32_t *ret_gid) {
        struct account found;
        uint32_t uid, gid;

        if (!account_find(passwd, name, &found) &&
            !(parse_u32(bytes_of(name), &uid) && find_id(passwd, uid, &found)))
                return false;
        if (!account_primary(&found, &gid))
                return false;
        *ret_uid = found.id;
        *ret_gid = gid;
        return true;
}

bool account_primary(const struct account *user, uint32_t *ret_gid) {
        struct bytes rest = user->rest;

        return parse_u32(bytes_cut(&rest, ':'), ret_gid);
}

bool account_group(struct bytes group, const char *name, uint32_t *ret_gid) {
        struct account found;

        if (!account_find(group, name, &found))
                return parse_u32(bytes_of(name), ret_gid);
        *ret_gid = found.id;
        return true;
}

bool account_lists(const struct account *group, const char *user) {
        struct bytes members = group->rest;

        while (members.len > 0)
                if (bytes_equal(bytes_cut(&members, ','), bytes_of(user)))
                        return true;
        return false;
}

size_t account_member_of(struct arena *a, struct bytes group, const char *user, uint32_t **ret) {
        struct account g;
        uint32_t *gids = NULL;
        size_t n = 0;

        while (account_next(&group, &g))
                if (account_lists(&g, user))
                        *ARENA_PUSH(a, gids, n) = g.id;
        *ret = gids;
        return n;
}

const char *account_name(struct arena *a, struct bytes text, uint32_t id) {
        struct account found;

        if (find_id(text, id, &found) && found.name.len > 0)
                return arena_strndup(a, found.name.data, found.name.len);
        return arena_printf(a, "%u", id);
}

bool account_name_is_plain(const char *name) {
        static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        size_t n = strlen(name);

        return n > 0 && n <= 32 && strchr(first, name[0]) &&
               strspn(name + 1,
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789") == n - 1;
}
