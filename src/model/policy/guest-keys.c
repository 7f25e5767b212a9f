/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy-guest - names that will stand in a container's files and commands
 *
 * They become part of a path, of a unit file and of a script, so a name is one
 * that needs no quoting in any of them, and a value of the environment is
 * printable ASCII, which model/upkeep quotes for systemd.
 */
#include "model/policy/guest-keys.h"

#include "base/number.h"

#define NAME_MAX_LEN 32  /* of a user, as shadow has it */
#define UNIT_MAX_LEN 100 /* systemd takes 255; a line of the policy holds 199 */
#define TIMEOUT_MAX 300

struct words {
        const char **items;
        size_t n;
};

static bool is_alnum(char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* begins with a letter, digit or _, and goes on with these and @others */
static bool is_name(struct bytes s, const char *others, size_t max) {
        for (size_t i = 0; i < s.len; i++)
                if (!is_alnum(s.data[i]) && s.data[i] != '_' &&
                    (i == 0 || s.data[i] == '\0' || !strchr(others, s.data[i])))
                        return false;
        return s.len > 0 && s.len <= max;
}

static const char *check_user(struct arena *a, struct bytes word) {
        return is_name(word, ".-", NAME_MAX_LEN)
                       ? NULL
                       : arena_printf(a, "%.*s is no user name", (int)word.len, word.data);
}

static const char *check_service(struct arena *a, struct bytes word) {
        const struct bytes end = BYTES(".service");

        if (word.len <= end.len ||
            !bytes_equal((struct bytes){ word.data + word.len - end.len, end.len }, end))
                return arena_printf(a, "%.*s does not end in .service", (int)word.len, word.data);
        return is_name(word, ".-:@", UNIT_MAX_LEN)
                       ? NULL
                       : arena_printf(a, "%.*s is no unit name", (int)word.len, word.data);
}

static const char *check_variable(struct arena *a, struct bytes word) {
        const char *equals = memchr(word.data, '=', word.len);
        size_t n = equals ? (size_t)(equals - word.data) : 0;

        if (!is_name((struct bytes){ word.data, n }, "", word.len) ||
            (word.data[0] >= '0' && word.data[0] <= '9'))
                return arena_printf(a, "%.*s is no NAME=VALUE", (int)word.len, word.data);
        for (size_t i = n; i < word.len; i++)
                if (word.data[i] < ' ' || word.data[i] > '~')
                        return "a value is printable ASCII without blanks";
        return NULL;
}

/* Every word once, all of them good, or none. */
static const char *take_words(struct arena *a, struct bytes value,
                              const char *(*check)(struct arena *a, struct bytes word),
                              const char ***ret, size_t *ret_n) {
        struct words w = { 0 };

        for (struct bytes word = bytes_word(&value); word.len > 0; word = bytes_word(&value)) {
                const char *reason = check(a, word);
                size_t i = 0;

                if (reason)
                        return reason;
                while (i < w.n && !bytes_equal(bytes_of(w.items[i]), word))
                        i++;
                if (i == w.n)
                        *ARENA_PUSH(a, w.items, w.n) = arena_strndup(a, word.data, word.len);
        }
        *ret = w.items;
        *ret_n = w.n;
        return NULL;
}

const char *guest_set_groups(struct arena *a, struct policy *p, struct bytes value) {
        bool ensure = bytes_equal(value, BYTES("ensure"));

        if (value.len > 0 && !ensure && !bytes_equal(value, BYTES("leave")))
                return "";
        p->guest_groups = ensure;
        return NULL;
}

const char *guest_set_users(struct arena *a, struct policy *p, struct bytes value) {
        return take_words(a, value, check_user, &p->guest_users, &p->n_guest_users);
}

const char *guest_set_services(struct arena *a, struct policy *p, struct bytes value) {
        return take_words(a, value, check_service, &p->guest_services, &p->n_guest_services);
}

const char *guest_set_environment(struct arena *a, struct policy *p, struct bytes value) {
        return take_words(a, value, check_variable, &p->guest_environment, &p->n_guest_environment);
}

const char *guest_set_timeout(struct arena *a, struct policy *p, struct bytes value) {
        uint32_t seconds = GUEST_TIMEOUT_DEFAULT;

        if (value.len > 0 && (!parse_u32(value, &seconds) || seconds < 1 || seconds > TIMEOUT_MAX))
                return "";
        p->guest_timeout = seconds;
        return NULL;
}

static const struct preset presets[] = {
#define PRESET(name, users, services, environment) { name, users, services, environment },
#include "model/policy/preset.def"
#undef PRESET
};

const struct preset *preset_find(const char *name) {
        for (size_t i = 0; i < ELEMENTS(presets); i++)
                if (streq(name, presets[i].name))
                        return &presets[i];
        return NULL;
}

const struct preset *preset_for(const char *unit) {
        for (size_t i = 0; i < ELEMENTS(presets); i++)
                if (streq(unit, presets[i].services))
                        return &presets[i];
        return NULL;
}

const char *preset_names(struct arena *a) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < ELEMENTS(presets); i++)
                strbuf_printf(&b, "%s%s", i ? ", " : "", presets[i].name);
        return strbuf_str(&b);
}
