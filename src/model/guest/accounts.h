/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* accounts - the text of /etc/passwd and /etc/group, without asking NSS */
#include "base/bytes.h"

/** struct account - one line: "render:x:110:alice,bob" or "ollama:x:998:998:..." */
struct account {
        struct bytes name; /* may be empty */
        uint32_t id;
        struct bytes rest; /* behind the id: of a group its members, of a user first its group */
};

/** account_next() - cut lines off @text up to the next one with a number; false at the end */
bool account_next(struct bytes *text, struct account *ret);

/** account_find() - the first line of that name that has a number; false when there is none */
bool account_find(struct bytes text, const char *name, struct account *ret);

/** account_primary() - number of the group of @user; false when its line has none */
bool account_primary(const struct account *user, uint32_t *ret_gid);

/** account_lists() - whether the line of @group names @user among its members */
bool account_lists(const struct account *group, const char *user);

/** account_user() - numbers of user @name (or of a uid in digits); false when it has none */
bool account_user(struct bytes passwd, const char *name, uint32_t *ret_uid, uint32_t *ret_gid);

/** account_group() - number of group @name (or of a gid in digits); false when there is none */
bool account_group(struct bytes group, const char *name, uint32_t *ret_gid);

/** account_member_of() - gids of the groups that list @user as a member; array in @a */
size_t account_member_of(struct arena *a, struct bytes group, const char *user, uint32_t **ret);

/** account_name() - name of id @id in @text, a passwd or group file; the number when it has none */
const char *account_name(struct arena *a, struct bytes text, uint32_t id);

/** account_name_is_plain() - whether @name can stand in a command: letters, digits, "_" and "-" */
bool account_name_is_plain(const char *name);
