/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* anchor - read a part of the machine once */
#include "anchor/anchor.h"

#include "host/inside/libraries.h"
#include "host/lookup.h"
#include "host/probe/majors.h"
#include "host/probe/probe.h"
#include "model/conf/recognise.h"
#include "model/gpu/pci-address.h"
#include "model/plan/choose/pin.h"
#include "model/policy/owner.h"
#include "pve/guest.h"
#include "pve/vm.h"

#include <errno.h>

struct anchor anchor_open(struct arena *a, const char *root) {
        return (struct anchor){ .pve = pve_open(a, root) };
}

int anchor_facts(struct anchor *an) {
        int r = an->has_facts ? 0 : probe_gpus(an->pve.arena, an->pve.root, &an->facts);

        if (r == 0 && !an->has_facts && an->name)
                an->name(an->pve.arena, an->pve.root, &an->facts);
        an->has_facts = r == 0;
        return r;
}

/* ---- what the host remembers ---- */

/* The pin of one container, unless its policy was an earlier one's of that number. */
static void add_pin(struct anchor *an, uint32_t vmid) {
        struct settings own;
        const struct pin *pin;
        struct owner now;
        struct guest g;

        if (access(settings_path(&an->pve, vmid), F_OK) < 0 && errno == ENOENT)
                return;
        anchor_policy(an, vmid, NULL, &own);
        pin = policy_pin(&own.policy, an->pve.node);
        if (own.policy.broken && !pin)
                an->memory.partial = true; /* what it has pinned cannot be read */
        if (!pin || guest_load(&an->pve, vmid, &g) != 0)
                return;
        now = owner_of(an->pve.arena, &g.lines, vmid);
        if (owner_compare(&own.policy.owner, &now) == OWNER_OTHER)
                return;
        for (size_t i = 0; i < pin->n_gpus; i++) {
                struct pinned pinned = pin_by_itself(an->pve.arena, &an->facts, pin, i);

                pinned.owner = vmid;
                *ARENA_PUSH(an->pve.arena, an->memory.pins, an->memory.n_pins) =
                        (struct kept_pin){ pin->gpus[i], pinned };
        }
}

/* Without the list of pins the policies say who has pinned what: once, for it is stored then. */
static void collect_pins(struct anchor *an) {
        uint32_t *vmids = NULL;
        size_t n = 0;

        if (!an->pve.node || guest_list(&an->pve, &vmids, &n) != 0)
                return;
        for (size_t i = 0; i < n; i++)
                add_pin(an, vmids[i]);
}

int anchor_memory(struct anchor *an) {
        int r = anchor_facts(an);
        struct card_set now;

        if (r < 0 || an->has_memory)
                return r;
        host_memory_load(&an->pve, &an->memory);
        if (!an->memory.has_pins)
                collect_pins(an);
        now = facts_cards(an->pve.arena, &an->facts);
        host_memory_know_pins(an->pve.arena, &an->memory, &now);
        an->memory.same_cards = !history_advance(an->pve.arena, &an->memory.history, &now);
        an->memory.is_taken = anchor_vm_has;
        an->memory.user = an;
        an->has_memory = true;
        return 0;
}

void anchor_follow(struct anchor *an) {
        struct host_memory *m = &an->memory;
        struct pinned *pins = arena_alloc(an->pve.arena, (m->n_pins + 1) * sizeof(*pins));
        struct track *tracks = arena_alloc(an->pve.arena, (m->n_pins + 1) * sizeof(*tracks));

        for (size_t i = 0; i < m->n_pins; i++)
                pins[i] = m->pins[i].pinned;
        track_pins(&(struct tracking){ .arena = an->pve.arena,
                                       .history = &m->history,
                                       .pins = pins,
                                       .n_pins = m->n_pins,
                                       .partial = m->partial,
                                       .is_taken = anchor_vm_has,
                                       .user = an },
                   tracks);
        for (size_t i = 0; i < m->n_pins; i++)
                m->pins[i].pinned = tracks[i].next;
}

void anchor_sightings(struct anchor *an) {
        int r = an->has_sightings ? 0
                                  : host_sightings_load(&an->pve, an->memory.history.id,
                                                        &an->sightings);

        an->has_sightings = true;
        if (r == 0)
                return;
        an->memory.unread = an->sightings.unread;
        an->memory.unread_why = strerror(-r);
}

static bool lines_have(const struct hostpci *lines, size_t n, const struct card *c) {
        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < lines[i].n_paths && !lines[i].mediated; j++)
                        if (pci_path_has(lines[i].paths[j], c->address))
                                return true;
        return false;
}

bool anchor_vm_has(void *user, const struct card *c) {
        struct anchor *an = user;
        uint32_t *vmids = NULL;
        size_t n = 0;

        an->vms_unread |= vm_list(&an->pve, &vmids, &n) < 0;
        for (size_t i = 0; i < n; i++) {
                struct hostpci *lines = NULL;
                size_t n_lines = 0;
                int r = vm_hostpci(&an->pve, vmids[i], &lines, &n_lines);

                if (r == 0 && lines_have(lines, n_lines, c))
                        return true;
                an->vms_unread |= r < 0 && r != -ENOENT;
        }
        return an->vms_unread;
}

/* ---- one container ---- */

void anchor_sources(struct anchor *an, const struct pctconf *x, const struct pctconf *y) {
        recognise_ask(an->pve.arena, x, &an->facts.sources);
        if (y)
                recognise_ask(an->pve.arena, y, &an->facts.sources);
        lookup_sources(an->pve.arena, an->pve.root, &an->facts.sources);
}

void anchor_snapshot_sources(struct anchor *an, struct bytes tail) {
        while (tail.len > 0) {
                struct pctconf c;

                bytes_cut(&tail, '\n');
                pctconf_parse(an->pve.arena, PCTCONF_PVE, tail, &c);
                recognise_ask(an->pve.arena, &c, &an->facts.sources);
                tail = c.tail;
        }
        lookup_sources(an->pve.arena, an->pve.root, &an->facts.sources);
}

int anchor_majors(struct anchor *an) {
        int r = anchor_facts(an);

        if (r < 0 || an->has_majors)
                return r;
        facts_unread(&an->facts, "/proc/devices",
                     majors_read(an->pve.arena, an->pve.root, &an->facts));
        an->facts.seen = host_majors_load(&an->pve);
        an->has_majors = true;
        return 0;
}

void anchor_driver(struct anchor *an) {
        struct arena *a = an->pve.arena;

        an->facts.nvidia_version = nvidia_version(a, an->pve.root);
        if (an->facts.nvidia_version)
                libraries_of_host(a, an->pve.root, an->libraries);
}

static void need_host(struct anchor *an) {
        if (!an->has_host)
                settings_load_host(&an->pve, &an->host);
        an->has_host = true;
}

struct anchor anchor_for_one(struct anchor *host, struct arena *a) {
        struct anchor one;

        need_host(host);
        (void)anchor_memory(host); /* its facts are there */
        one = *host;
        one.pve.arena = a;
        return one;
}

void anchor_policy(struct anchor *an, uint32_t vmid, const struct bytes *text,
                   struct settings *ret) {
        need_host(an);
        *ret = settings_copy(an->pve.arena, &an->host);
        if (text)
                settings_try_own(&an->pve, vmid, *text, ret);
        else
                settings_load_own(&an->pve, vmid, ret);
}
