/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * key - the keys of a policy, and which values they take
 *
 * Every refusal is one sentence that also says what would be accepted, since
 * it is read in a task log by somebody whose container has just lost its GPU.
 * A value is taken as a whole or not at all: half a list of GPUs is another
 * wish than the one that was written.
 */
#include "model/policy/key.h"

#include "base/number.h"
#include "model/finding/reason.h"
#include "model/gpu/facts.h"
#include "model/policy/selector.h"

#define NAME_MAX_LEN 32  /* of a user, as shadow has it */
#define UNIT_MAX_LEN 100 /* systemd takes 255; a line of the policy holds 197 */
#define TIMEOUT_MAX 300

static bool is_text(struct bytes s, const char *text) {
        return bytes_equal(s, bytes_of(text));
}

/*
 * The setters of the keys: NULL when @p has the value, otherwise why not, ""
 * when the list of what is accepted says it all.
 */

static const char *set_gpu(struct arena *a, struct policy *p, struct bytes value) {
        struct gpu_sel *sels = NULL;
        size_t n = 0, alone = 0;

        if (value.len == 0)
                value = BYTES("auto");
        for (struct bytes word = bytes_word(&value); word.len > 0; word = bytes_word(&value)) {
                struct gpu_sel s = { 0 };
                const char *reason = selector_parse(a, word, &s);

                if (reason)
                        return reason;
                if (s.kind == SEL_AUTO || s.kind == SEL_ALL)
                        alone++;
                *ARENA_PUSH(a, sels, n) = s;
        }
        if (alone > 0 && n > 1)
                return WHY_GPU_ALONE;
        p->gpus = sels;
        p->n_gpus = n;
        p->doubt = NULL;
        return NULL;
}

static const char *set_devices(struct arena *a, struct policy *p, struct bytes value) {
        uint32_t devices = 0;

        for (struct bytes word = bytes_word(&value); word.len > 0; word = bytes_word(&value)) {
                enum node_kind kind = 0;

                while (kind < NODE_KINDS && !is_text(word, node_kind_name(kind)))
                        kind++;
                if (kind == NODE_KINDS)
                        return arena_printf(a, WHY_NO_DEVICE_KIND, (int)word.len, word.data);
                devices |= NODE_BIT(kind);
        }
        p->devices = devices;
        p->devices_set = devices != 0;
        return NULL;
}

static const char *set_method(struct arena *a, struct policy *p, struct bytes value) {
        if (value.len == 0 || is_text(value, "auto"))
                p->method = METHOD_AUTO;
        else if (is_text(value, "idmap"))
                p->method = METHOD_IDMAP;
        else if (is_text(value, "dev"))
                p->method = METHOD_DEV;
        else
                return "";
        return NULL;
}

static const char *parse_gid(struct bytes value, int64_t *ret) {
        uint32_t gid;

        if (value.len == 0 || is_text(value, "auto")) {
                *ret = GID_AUTO;
                return NULL;
        }
        if (!parse_u32(value, &gid) || gid == UINT32_MAX)
                return "";
        if (gid == 0)
                return WHY_GID_ROOT;
        *ret = gid;
        return NULL;
}

static const char *set_video_gid(struct arena *a, struct policy *p, struct bytes value) {
        return parse_gid(value, &p->gid[GID_VIDEO].set);
}

static const char *set_render_gid(struct arena *a, struct policy *p, struct bytes value) {
        return parse_gid(value, &p->gid[GID_RENDER].set);
}

static const char *set_missing(struct arena *a, struct policy *p, struct bytes value) {
        struct bytes wait, seconds;
        uint32_t n = 0;

        if (value.len == 0 || is_text(value, "start"))
                p->missing = MISSING_START;
        else if (is_text(value, "refuse"))
                p->missing = MISSING_REFUSE;
        else if (bytes_split(value, ':', &wait, &seconds) && is_text(wait, "wait") &&
                 parse_u32(seconds, &n) && n >= 1 && n <= 600)
                p->missing = MISSING_WAIT;
        else
                return "";
        p->wait_seconds = n;
        return NULL;
}

static const char *set_on_error(struct arena *a, struct policy *p, struct bytes value) {
        if (value.len > 0 && !is_text(value, "start") && !is_text(value, "refuse"))
                return "";
        p->refuse_on_error = is_text(value, "refuse");
        return NULL;
}

static const char *set_gate(struct arena *a, struct policy *p, struct bytes value) {
        if (value.len == 0 || is_text(value, "auto"))
                p->gate = GATE_WISH_AUTO;
        else if (is_text(value, "yes"))
                p->gate = GATE_WISH_YES;
        else if (is_text(value, "no"))
                p->gate = GATE_WISH_NO;
        else
                return "";
        return NULL;
}

static const char *set_running(struct arena *a, struct policy *p, struct bytes value) {
        if (value.len == 0 || is_text(value, "follow"))
                p->running = RUNNING_FOLLOW;
        else if (is_text(value, "revoke"))
                p->running = RUNNING_REVOKE;
        else if (is_text(value, "leave"))
                p->running = RUNNING_LEAVE;
        else
                return "";
        return NULL;
}

static const char *set_next_hook(struct arena *a, struct policy *p, struct bytes value) {
        struct bytes storage, name = value, folder;

        if (value.len == 0) {
                p->next_hook = NULL;
                return NULL;
        }
        if (bytes_has_prefix(value, "/")) {
                while (bytes_split(name, '/', &folder, &name))
                        ;
        } else if (!bytes_split(value, ':', &storage, &name) || !bytes_is_name(storage, "-_.") ||
                   !bytes_take_prefix(&name, "snippets/") || bytes_contains_char(name, '/')) {
                return "";
        }
        if (BYTES_IN(name, "", ".", ".."))
                return WHY_HOOK_NO_FILE;
        if (is_text(name, "gpuanchor-hook"))
                return WHY_HOOK_ITSELF;
        p->next_hook = bytes_dup(a, value);
        return NULL;
}

/* letters, digits and @others, the first of them a letter, digit or _ */
static bool is_name(struct bytes s, const char *others, size_t max) {
        return bytes_is_name(s, others) && bytes_is_name((struct bytes){ s.data, 1 }, "_") &&
               s.len <= max;
}

static const char *check_user(struct arena *a, struct bytes word) {
        return is_name(word, "_.-", NAME_MAX_LEN)
                       ? NULL
                       : arena_printf(a, WHY_NO_USER_NAME, (int)word.len, word.data);
}

static const char *check_service(struct arena *a, struct bytes word) {
        struct bytes name = word;

        if (!bytes_take_suffix(&name, ".service") || name.len == 0)
                return arena_printf(a, WHY_NO_SERVICE, (int)word.len, word.data);
        return is_name(word, "_.-:@", UNIT_MAX_LEN)
                       ? NULL
                       : arena_printf(a, WHY_NO_UNIT_NAME, (int)word.len, word.data);
}

static const char *check_variable(struct arena *a, struct bytes word) {
        struct bytes name, value;

        if (!bytes_split(word, '=', &name, &value) || !is_name(name, "_", name.len) ||
            ascii_is_digit(name.data[0]))
                return arena_printf(a, WHY_NO_VARIABLE, (int)word.len, word.data);
        for (size_t i = 0; i < value.len; i++)
                if (value.data[i] < ' ' || value.data[i] > '~')
                        return WHY_VARIABLE_VALUE;
        return NULL;
}

struct words {
        const char *problem; /* NULL when all of them are good */
        const char **items;  /* each once */
        size_t n;
};

static struct words take_words(struct arena *a, struct bytes value,
                               const char *(*check)(struct arena *a, struct bytes word)) {
        struct words w = { 0 };

        for (struct bytes word = bytes_word(&value); word.len > 0; word = bytes_word(&value)) {
                size_t i = 0;

                w.problem = check(a, word);
                if (w.problem)
                        return w;
                while (i < w.n && !bytes_equal(bytes_of(w.items[i]), word))
                        i++;
                if (i == w.n)
                        *ARENA_PUSH(a, w.items, w.n) = bytes_dup(a, word);
        }
        return w;
}

static const char *set_guest_groups(struct arena *a, struct policy *p, struct bytes value) {
        bool ensure = bytes_equal(value, BYTES("ensure"));

        if (value.len > 0 && !ensure && !bytes_equal(value, BYTES("leave")))
                return "";
        p->guest_groups = ensure;
        return NULL;
}

static const char *set_guest_users(struct arena *a, struct policy *p, struct bytes value) {
        struct words w = take_words(a, value, check_user);

        if (!w.problem) {
                p->guest_users = w.items;
                p->n_guest_users = w.n;
        }
        return w.problem;
}

static const char *set_guest_services(struct arena *a, struct policy *p, struct bytes value) {
        struct words w = take_words(a, value, check_service);

        if (!w.problem) {
                p->guest_services = w.items;
                p->n_guest_services = w.n;
        }
        return w.problem;
}

static const char *set_guest_environment(struct arena *a, struct policy *p, struct bytes value) {
        struct words w = take_words(a, value, check_variable);

        if (!w.problem) {
                p->guest_environment = w.items;
                p->n_guest_environment = w.n;
        }
        return w.problem;
}

static const char *set_guest_timeout(struct arena *a, struct policy *p, struct bytes value) {
        uint32_t seconds = GUEST_TIMEOUT_DEFAULT;

        if (value.len > 0 && (!parse_u32(value, &seconds) || seconds < 1 || seconds > TIMEOUT_MAX))
                return "";
        p->guest_timeout = seconds;
        return NULL;
}

static const char *parse_yes(struct bytes value, bool *ret) {
        bool yes = is_text(value, "yes");

        if (value.len > 0 && !yes && !is_text(value, "no"))
                return "";
        *ret = yes;
        return NULL;
}

static const char *set_exclusive(struct arena *a, struct policy *p, struct bytes value) {
        return parse_yes(value, &p->exclusive);
}

static const char *set_follow_environment(struct arena *a, struct policy *p, struct bytes value) {
        return parse_yes(value, &p->follow_environment);
}

static const struct {
        const char *key;
        const char *(*set)(struct arena *a, struct policy *p, struct bytes value);
        const char *accepted;
} keys[] = {
#define SETTING(key, set, report, accepted) { key, set_##set, accepted },
#include "model/policy/key.def"
};

const char *policy_key_meant(const char *key) {
        const char *meant = NULL;
        unsigned nearest = 3;

        for (size_t i = 0; i < ELEMENTS(keys); i++)
                if (streq(key, keys[i].key))
                        return keys[i].key;
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                unsigned d = str_distance(key, keys[i].key);

                if (d < nearest && d <= strlen(keys[i].key) / 2) {
                        nearest = d;
                        meant = keys[i].key;
                }
        }
        return meant;
}

static const char *unknown_key(struct arena *a, const char *key) {
        const char *meant = policy_key_meant(key);
        struct strbuf b = { .arena = a };

        strbuf_printf(&b, WHY_KEY_UNKNOWN, key);
        if (meant)
                strbuf_printf(&b, WHY_KEY_MEANT, meant);
        else
                for (size_t i = 0; i < ELEMENTS(keys); i++)
                        strbuf_printf(&b, "%s%s", i ? ", " : WHY_KEY_ACCEPTED, keys[i].key);
        return strbuf_str(&b);
}

const char *policy_set(struct arena *a, struct policy *p, const char *key, const char *value) {
        const char *reason;
        size_t i = 0;

        while (i < ELEMENTS(keys) && !streq(key, keys[i].key))
                i++;
        if (i == ELEMENTS(keys))
                return unknown_key(a, key);
        reason = keys[i].set(a, p, bytes_of(value));
        return reason ? arena_printf(a, WHY_VALUE, key, value, *reason ? ": " : WHY_NOT_UNDERSTOOD,
                                     reason, keys[i].accepted)
                      : NULL;
}
