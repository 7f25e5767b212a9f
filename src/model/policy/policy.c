/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * policy - the keys of a policy, and which values they take
 *
 * Every refusal is one sentence that also says what would be accepted, since
 * it is read in a task log by somebody whose container has just lost its GPU.
 * A value is taken as a whole or not at all: half a list of GPUs is another
 * wish than the one that was written.
 */
#include "model/policy/policy.h"
#include "base/number.h"
#include "model/gpu/facts.h"
#include "model/policy/guest-keys.h"

static bool is_text(struct bytes s, const char *text) {
        return bytes_equal(s, bytes_of(text));
}

/* whether all of @s is letters, digits and what is in @others */
static bool is_made_of(struct bytes s, const char *others) {
        for (size_t i = 0; i < s.len; i++) {
                char c = s.data[i], lower = (char)(c | 0x20);

                if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'z') &&
                    (c == '\0' || !strchr(others, c)))
                        return false;
        }
        return s.len > 0;
}

/* cut what stands before the first @sep off; false and nothing cut when there is none */
static bool cut(struct bytes *rest, char sep, struct bytes *ret) {
        const char *p = rest->len > 0 ? memchr(rest->data, sep, rest->len) : NULL;

        if (!p)
                return false;
        *ret = (struct bytes){ rest->data, (size_t)(p - rest->data) };
        rest->len -= ret->len + 1;
        rest->data = p + 1;
        return true;
}

/* 1 to @digits digits without the 0x that parse_hex() would take */
static bool plain_hex(struct bytes s, unsigned digits, uint32_t *ret) {
        return is_made_of(s, "") && !memchr(s.data, 'x', s.len) && !memchr(s.data, 'X', s.len) &&
               parse_hex(s, digits, ret);
}

const char *pci_address_normalize(struct arena *a, struct bytes text) {
        uint32_t domain = 0, bus, slot, function;
        struct bytes part[3];
        size_t n = 0;

        while (n < 2 && cut(&text, ':', &part[n]))
                n++;
        if (n == 0 || !cut(&text, '.', &part[2]))
                return NULL;
        /* nvidia-smi writes eight digits of domain, sysfs four and for VMD five */
        if (n == 2 && !plain_hex(part[0], 8, &domain))
                return NULL;
        if (!plain_hex(part[n - 1], 2, &bus) || !plain_hex(part[2], 2, &slot) || slot > 0x1f ||
            !plain_hex(text, 1, &function) || function > 7)
                return NULL;
        return arena_printf(a, "%04x:%02x:%02x.%x", domain, bus, slot, function);
}

const char *pci_path_normalize(struct arena *a, struct bytes text) {
        const char *address = pci_address_normalize(a, text);
        char *whole;

        if (address || memchr(text.data, '\0', text.len))
                return address;
        whole = arena_printf(a, "%.*s.0", (int)(text.len < 32 ? text.len : 32), text.data);
        address = pci_address_normalize(a, bytes_of(whole));
        return address ? arena_strndup(a, address, strlen(address) - strlen(".0")) : NULL;
}

/*
 * The setters of the keys: NULL when @p has the value, otherwise why not, ""
 * when the list of what is accepted says it all.
 */

static const char *sel_pci(struct arena *a, struct bytes rest, struct gpu_sel *s) {
        s->kind = SEL_PCI;
        s->name = pci_address_normalize(a, rest);
        if (s->name)
                return NULL;
        if (pci_address_normalize(a, bytes_of(arena_printf(a, "%s.0", s->text + strlen("pci:")))))
                return "the function is missing, .0 for instance";
        return "no PCI address";
}

static const char *sel_id(struct bytes rest, struct gpu_sel *s) {
        struct bytes ids;

        s->kind = SEL_ID;
        if (cut(&rest, '#', &ids)) {
                if (!parse_u32(rest, &s->nth) || s->nth == 0)
                        return "#N counts from 1";
                rest = ids;
        }
        return pci_ids_parse(rest, &s->ids.vendor, &s->ids.device) ? NULL
                                                                   : "no vendor:device in hex";
}

static const char *sel_name(struct arena *a, struct bytes rest, struct gpu_sel *s) {
        bool good = is_made_of(rest, "_-");

        if (s->kind == SEL_PLATFORM)
                good = is_made_of(rest, "._-:,@+~=");
        if (s->kind == SEL_MAPPING) /* as Proxmox has it: a letter, and at least one more */
                good = good && rest.len >= 2 && is_made_of((struct bytes){ rest.data, 1 }, "") &&
                       !(rest.data[0] >= '0' && rest.data[0] <= '9');
        s->name = arena_strndup(a, rest.data, rest.len);
        return good ? NULL : "the name cannot be one";
}

static const char *parse_sel(struct arena *a, struct bytes word, struct gpu_sel *s) {
        struct bytes type, rest = word;

        s->text = arena_strndup(a, word.data, word.len);
        if (is_text(word, "auto") || is_text(word, "all")) {
                s->kind = streq(s->text, "all") ? SEL_ALL : SEL_AUTO;
                return NULL;
        }
        if (pci_address_normalize(a, word))
                return arena_printf(a, "an address is written pci:%s", s->text);
        if (!cut(&rest, ':', &type))
                return "";
        if (is_text(type, "pci"))
                return sel_pci(a, rest, s);
        if (is_text(type, "id"))
                return sel_id(rest, s);
        if (is_text(type, "driver"))
                s->kind = SEL_DRIVER;
        else if (is_text(type, "mapping"))
                s->kind = SEL_MAPPING;
        else if (is_text(type, "platform"))
                s->kind = SEL_PLATFORM;
        else
                return "";
        return sel_name(a, rest, s);
}

static const char *set_gpu(struct arena *a, struct policy *p, struct bytes value) {
        struct gpu_sel *sels = NULL;
        size_t n = 0, alone = 0;

        if (value.len == 0)
                value = BYTES("auto");
        for (struct bytes word = bytes_word(&value); word.len > 0; word = bytes_word(&value)) {
                struct gpu_sel s = { 0 };
                const char *reason = parse_sel(a, word, &s);

                if (reason)
                        return reason;
                if (s.kind == SEL_AUTO || s.kind == SEL_ALL)
                        alone++;
                *ARENA_PUSH(a, sels, n) = s;
        }
        if (alone > 0 && n > 1)
                return "auto and all stand alone";
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
                        return arena_printf(a, "%.*s is none", (int)word.len, word.data);
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
                return "0 is group root, which is never given a device";
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
        struct bytes wait, seconds = value;
        uint32_t n = 0;

        if (value.len == 0 || is_text(value, "start"))
                p->missing = MISSING_START;
        else if (is_text(value, "refuse"))
                p->missing = MISSING_REFUSE;
        else if (cut(&seconds, ':', &wait) && is_text(wait, "wait") && parse_u32(seconds, &n) &&
                 n >= 1 && n <= 600)
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

static const char *set_next_hook(struct arena *a, struct policy *p, struct bytes value) {
        const char *slash = value.len > 0 ? memrchr(value.data, '/', value.len) : NULL;
        struct bytes storage, rest = value, name;

        if (value.len == 0) {
                p->next_hook = NULL;
                return NULL;
        }
        if (!slash)
                return "";
        name = (struct bytes){ slash + 1, value.len - (size_t)(slash + 1 - value.data) };
        if (value.data[0] != '/' && (!cut(&rest, ':', &storage) || !is_made_of(storage, "-_.") ||
                                     rest.data + strlen("snippets") != slash ||
                                     memcmp(rest.data, "snippets", strlen("snippets")) != 0))
                return "";
        if (name.len == 0 || is_text(name, ".") || is_text(name, ".."))
                return "it names no file";
        if (is_text(name, "gpuanchor-hook"))
                return "gpuanchor's own hook would call itself";
        p->next_hook = arena_strndup(a, value.data, value.len);
        return NULL;
}

static const struct {
        const char *key;
        const char *(*set)(struct arena *a, struct policy *p, struct bytes value);
        const char *accepted;
} keys[] = {
        { "gpu", set_gpu,
          "auto, all, or some of pci:0000:c1:00.0, id:1002:150e, id:1002:150e#2, driver:NAME, "
          "mapping:NAME, platform:NAME" },
        { "devices", set_devices, "some of card, render, kfd, accel, nvidia" },
        { "method", set_method, "auto, idmap, dev" },
        { "video-gid", set_video_gid, "auto, 1 to 4294967294" },
        { "render-gid", set_render_gid, "auto, 1 to 4294967294" },
        { "missing", set_missing, "start, refuse, wait:1 to wait:600" },
        { "on-error", set_on_error, "start, refuse" },
        { "next-hook", set_next_hook, "STORAGE:snippets/NAME, /absolute/path" },
        { "guest-groups", guest_set_groups, "leave, ensure" },
        { "guest-users", guest_set_users, "names of users in the container" },
        { "guest-service", guest_set_services, "names of units such as ollama.service" },
        { "guest-environment", guest_set_environment, "NAME=VALUE, several apart by blanks" },
        { "guest-timeout", guest_set_timeout, "1 to 300" },
};

void policy_init(struct arena *a, struct policy *p) {
        *p = (struct policy){
                .gid[GID_VIDEO] = { GID_AUTO, GID_AUTO, GID_AUTO },
                .gid[GID_RENDER] = { GID_AUTO, GID_AUTO, GID_AUTO },
                .guest_timeout = GUEST_TIMEOUT_DEFAULT,
        };
        set_gpu(a, p, BYTES("auto"));
}

const struct pin *policy_pin(const struct policy *p, const char *node) {
        for (size_t i = 0; i < p->n_pins; i++)
                if (streq(p->pins[i].node, node))
                        return &p->pins[i];
        return NULL;
}

void policy_set_pin(struct arena *a, struct policy *p, const struct pin *pin) {
        struct pin *pins = arena_alloc(a, (p->n_pins + 1) * sizeof(*pins));
        size_t n = 0;

        for (size_t i = 0; i < p->n_pins; i++)
                if (!streq(p->pins[i].node, pin->node))
                        pins[n++] = p->pins[i];
        pins[n++] = *pin;
        p->pins = pins;
        p->n_pins = n;
}

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

        strbuf_printf(&b, "unknown key %s; ", key);
        if (meant)
                strbuf_printf(&b, "did you mean %s?", meant);
        else
                for (size_t i = 0; i < ELEMENTS(keys); i++)
                        strbuf_printf(&b, "%s%s", i ? ", " : "accepted: ", keys[i].key);
        return strbuf_str(&b);
}

bool policy_set(struct arena *a, struct policy *p, const char *key, const char *value,
                const char **ret_problem) {
        const char *reason;
        size_t i = 0;

        while (i < ELEMENTS(keys) && !streq(key, keys[i].key))
                i++;
        if (i == ELEMENTS(keys)) {
                *ret_problem = unknown_key(a, key);
                return false;
        }
        reason = keys[i].set(a, p, bytes_of(value));
        if (reason)
                *ret_problem = arena_printf(a, "%s = %s%s%s; accepted: %s", key, value,
                                            *reason ? ": " : " is not understood", reason,
                                            keys[i].accepted);
        return !reason;
}
