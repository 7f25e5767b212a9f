/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * nvidia-hook - GPUs that LXC's hook for NVIDIA's container tools gives
 *
 *     lxc.hook.mount: /usr/share/lxc/hooks/nvidia
 *     lxc.environment: NVIDIA_VISIBLE_DEVICES=0
 *     lxc.environment.hooks: NVIDIA_VISIBLE_DEVICES=GPU-1c5e...,1:0
 *
 * Hooks have both kinds of variable, lxc.environment.runtime is for the container's init alone.
 * Without the variable, empty or "void" the hook does nothing; with "none" it gives libraries and
 * no GPU; anything else goes to nvidia-container-cli: "all", a GPU's index in the order of PCI
 * addresses, the beginning of its UUID, or of one its MIG slices, "0:1" (hooks/nvidia of LXC).
 */
#include "model/conf/nvidia-hook.h"

#include "base/number.h"

#include <strings.h>

#define VARIABLE "NVIDIA_VISIBLE_DEVICES="
#define UUID_WORD_MIN 8 /* "GPU-" and some of it */

static bool is_hook(const struct conf_line *l) {
        struct bytes value = l->value, word = bytes_word(&value);

        return bytes_equal(l->key, BYTES("lxc.hook.mount")) &&
               bytes_take_suffix(&word, "/hooks/nvidia");
}

/* The last line with that key counts; an empty one takes back those before it. */
static void find_variable(const struct pctconf *c, const char *key, struct nvidia_hook *h) {
        for (size_t i = 1; i < c->n_lines; i++) {
                struct bytes value = c->lines[i].value;

                if (!bytes_equal(c->lines[i].key, bytes_of(key)))
                        continue;
                if (bytes_take_prefix(&value, VARIABLE)) {
                        h->env = i;
                        h->devices = value;
                } else if (value.len == 0 && h->env > 0 &&
                           bytes_equal(c->lines[h->env].key, c->lines[i].key)) {
                        h->env = 0;
                }
        }
}

struct nvidia_hook nvidia_hook_find(const struct pctconf *c) {
        struct nvidia_hook h = { 0 };

        for (size_t i = 1; i < c->n_lines; i++)
                if (is_hook(&c->lines[i]))
                        h.line = i;
        if (h.line == 0)
                return h;
        find_variable(c, "lxc.environment", &h);
        find_variable(c, "lxc.environment.hooks", &h);
        h.runs = h.env > 0 && h.devices.len > 0 && !bytes_equal(h.devices, BYTES("void"));
        h.gives = h.runs && !bytes_equal(h.devices, BYTES("none"));
        h.all = h.gives && bytes_equal(h.devices, BYTES("all"));
        return h;
}

/* As "0" and "0:1"; MIG-... and GPU-... are no numbers. */
static bool is_index(struct bytes word, uint32_t *ret) {
        return parse_u32(bytes_trim(bytes_cut(&word, ':')), ret);
}

bool nvidia_hook_has_index(const struct nvidia_hook *h) {
        struct bytes rest = h->gives && !h->all ? h->devices : (struct bytes){ 0 };
        uint32_t n;

        while (rest.len > 0)
                if (is_index(bytes_cut(&rest, ','), &n))
                        return true;
        return false;
}

static const struct gpu *gpu_of_index(const struct facts *f, uint32_t index) {
        for (size_t i = 0; i < f->n_gpus; i++)
                if (gpu_node(&f->gpus[i], NODE_NVIDIA) && index-- == 0)
                        return &f->gpus[i];
        return NULL;
}

static const struct gpu *gpu_of_uuid(const struct facts *f, struct bytes word) {
        for (size_t i = 0; i < f->n_gpus && word.len >= UUID_WORD_MIN; i++) {
                const char *uuid = f->gpus[i].serials[SERIAL_NVIDIA];

                if (uuid && strncasecmp(uuid, word.data, word.len) == 0)
                        return &f->gpus[i];
        }
        return NULL;
}

/* "0", "0:1", "GPU-1c5e...", "MIG-GPU-1c5e.../1/0" */
const struct gpu *nvidia_hook_gpu(struct arena *a, const struct facts *f, struct bytes word) {
        uint32_t n;

        word = bytes_trim(word);
        if (is_index(word, &n))
                return gpu_of_index(f, n);
        bytes_take_prefix(&word, "MIG-");
        return gpu_of_uuid(f, bytes_cut(&word, '/'));
}

struct gpu_list nvidia_hook_gpus(struct arena *a, const struct facts *f,
                                 const struct nvidia_hook *h, const char **ret_unknown) {
        struct bytes rest = h->gives ? h->devices : (struct bytes){ 0 };
        struct gpu_list gpus = { 0 };

        *ret_unknown = NULL;
        for (size_t i = 0; h->all && i < f->n_gpus; i++)
                if (gpu_node(&f->gpus[i], NODE_NVIDIA))
                        gpu_list_add(a, &gpus, &f->gpus[i]);
        while (!h->all && rest.len > 0) {
                struct bytes word = bytes_cut(&rest, ',');
                const struct gpu *g = nvidia_hook_gpu(a, f, word);

                if (g)
                        gpu_list_add(a, &gpus, g);
                else if (bytes_trim(word).len > 0 && !*ret_unknown)
                        *ret_unknown = bytes_dup(a, word);
        }
        return gpus;
}

const char *nvidia_hook_uuid(struct arena *a, const struct gpu *g) {
        const char *uuid = g->serials[SERIAL_NVIDIA];

        if (!uuid || strncasecmp(uuid, "GPU-", 4) == 0)
                return uuid;
        return arena_printf(a, "GPU-%s", uuid);
}
