/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * accounts - users and groups from their files
 *
 * Of a container, whose root may have written anything: a line without a number does not
 * count, the first line of a name does.
 */
#include "model/guest/accounts.h"

#include "base/number.h"

enum { FIELDS = 4 };

/* "render:x:110:alice,bob" or "ollama:x:998:998:..." */
struct account {
        struct bytes field[FIELDS];
        uint32_t id;
};

static bool next(struct bytes *text, struct account *ret) {
        while (text->len > 0) {
                struct bytes line = bytes_cut(text, '\n');

                for (int i = 0; i < FIELDS; i++)
                        ret->field[i] = bytes_cut(&line, ':');
                if (parse_u32(ret->field[2], &ret->id))
                        return true;
        }
        return false;
}

static bool find(struct bytes text, const char *name, struct account *ret) {
        while (next(&text, ret))
                if (bytes_equal(ret->field[0], bytes_of(name)))
                        return true;
        return false;
}

static bool find_id(struct bytes text, uint32_t id, struct account *ret) {
        while (next(&text, ret))
                if (ret->id == id)
                        return true;
        return false;
}

bool account_user(struct bytes passwd, const char *name, uint32_t *ret_uid, uint32_t *ret_gid) {
        struct account found;
        uint32_t uid, gid;

        if (!find(passwd, name, &found) &&
            !(parse_u32(bytes_of(name), &uid) && find_id(passwd, uid, &found)))
                return false;
        if (!parse_u32(found.field[3], &gid))
                return false;
        *ret_uid = found.id;
        *ret_gid = gid;
        return true;
}

bool account_group(struct bytes group, const char *name, uint32_t *ret_gid) {
        struct account found;

        if (!find(group, name, &found))
                return parse_u32(bytes_of(name), ret_gid);
        *ret_gid = found.id;
        return true;
}

size_t account_member_of(struct arena *a, struct bytes group, const char *user, uint32_t **ret) {
        struct account g;
        uint32_t *gids = NULL;
        size_t n = 0;

        while (next(&group, &g))
                while (g.field[3].len > 0)
                        if (bytes_equal(bytes_cut(&g.field[3], ','), bytes_of(user)))
                                *ARENA_PUSH(a, gids, n) = g.id;
        *ret = gids;
        return n;
}

const char *account_name(struct arena *a, struct bytes text, uint32_t id) {
        struct account found;

        if (find_id(text, id, &found) && found.field[0].len > 0)
                return arena_strndup(a, found.field[0].data, found.field[0].len);
        return arena_printf(a, "%u", id);
}

bool account_name_is_plain(const char *name) {
        static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        size_t n = strlen(name);

        return n > 0 && n <= 32 && strchr(first, name[0]) &&
               strspn(name + 1,
                      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-0123456789") == n - 1;
}
