/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * service-checks - layer 3: what the container's systemd lets its services do
 *
 * Settings and what the running process can really open are told apart: an unprivileged
 * container's systemd cannot load the device filter that DeviceAllow= asks for (BPF needs
 * privilege on the host) and goes on without, so that there a stale line is not what stops
 * a program. In a privileged container it is.
 */
#include "model/doctor/ollama.h"
#include "model/doctor/running.h"
#include "model/guest/accounts.h"

enum { MAX_GROUPS = 64 };

/* ---- users and groups ---- */

struct member {
        uint32_t uid;
        uint32_t *gids;
        size_t n;
};

static void add_gid(struct arena *a, struct member *m, uint32_t gid) {
        if (m->n < MAX_GROUPS)
                *ARENA_PUSH(a, m->gids, m->n) = gid;
}

/* Who the service's processes are: initgroups() of its user, and its SupplementaryGroups=. */
static struct member member_of(struct arena *a, const struct service *s) {
        const char *user = *s->unit->user ? s->unit->user : "root";
        struct member m = { .uid = UINT32_MAX };
        uint32_t gid, *listed;
        size_t n = account_member_of(a, s->facts->group, user, &listed);

        if (account_user(s->facts->passwd, user, &m.uid, &gid))
                add_gid(a, &m, gid);
        if (*s->unit->group && account_group(s->facts->group, s->unit->group, &gid))
                add_gid(a, &m, gid);
        for (size_t i = 0; i < n; i++)
                add_gid(a, &m, listed[i]);
        for (size_t i = 0; i < s->unit->n_supplementary; i++)
                if (account_group(s->facts->group, s->unit->supplementary[i], &gid))
                        add_gid(a, &m, gid);
        return m;
}

/* The kernel's rule: one of owner, group and others counts, and it has to have read and write. */
static bool permission_lets(const struct inside_facts *f, const struct member *m,
                            const struct inside_device *d) {
        uint32_t uid, gid;
        bool uid_mapped = idmap_lookup_outside(&f->uids, d->uid, &uid);
        bool gid_mapped = inside_gid(f, d->gid, &gid);

        if (m->uid == 0 && uid_mapped && gid_mapped)
                return true; /* CAP_DAC_OVERRIDE counts only where both ids are mapped */
        if (uid_mapped && uid == m->uid)
                return (d->mode & 0600) == 0600;
        for (size_t i = 0; gid_mapped && i < m->n; i++)
                if (m->gids[i] == gid)
                        return (d->mode & 060) == 060;
        return (d->mode & 06) == 06;
}

static const char *join_group(struct arena *a, const struct service *s, const char *group) {
        const char *user = s->unit->user, *keep = service_keep(a, s);

        if (keep)
                return keep;
        if (!*user || streq(user, "root") || !account_name_is_plain(user))
                return service_setting(a, s, arena_printf(a, "SupplementaryGroups=%s\\n", group));
        return arena_printf(a, "pct exec %u -- usermod -aG %s %s && %s", s->facts->vmid, group,
                            user, service_restart(a, s));
}

static bool judge_group(struct doctor_report *r, const struct service *s) {
        struct member m = member_of(r->arena, s);
        const char *user = *s->unit->user ? s->unit->user : "root";
        bool refused[GID_GROUPS] = { 0 }, all = true;

        for (size_t i = 0; i < s->facts->n_devices; i++) {
                const struct inside_device *d = &s->facts->devices[i];

                if (d->expected && d->is_char && !permission_lets(s->facts, &m, d))
                        refused[gid_group_of(d->kind)] = true;
        }
        for (int group = GID_GROUPS - 1; group >= 0; group--) {
                const char *name = gid_group_name(group);

                if (!refused[group])
                        continue;
                all = false;
                /* programs compute and encode through the render node; the card node is for
                 * displays */
                doctor_add(r,
                           (struct doctor_item){
                                   .check = DOCTOR_SERVICE_GROUP,
                                   .verdict = group == GID_VIDEO ? DOCTOR_WARNING : DOCTOR_FAILED,
                                   .subject = s->name,
                                   .evidence = arena_printf(r->arena, "user %s is not in group %s",
                                                            user, name),
                                   .mend = join_group(r->arena, s, name) });
        }
        if (all)
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_SERVICE_GROUP,
                                      .verdict = DOCTOR_OK,
                                      .subject = s->name,
                                      .evidence = arena_printf(
                                              r->arena, "user %s may open the nodes", user) });
        return all;
}

/* ---- DeviceAllow=, DevicePolicy=, PrivateDevices= ---- */

/* "card" of "/dev/dri/card12", "renderD" of "/dev/dri/renderD128"; NULL for another path */
static const char *dri_kind(const char *path) {
        static const char *const kinds[] = { "/dev/dri/card", "/dev/dri/renderD" };

        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                size_t n = strlen(kinds[i]), digits;

                if (!str_has_prefix(path, kinds[i]))
                        continue;
                digits = strspn(path + n, "0123456789");
                if (digits > 0 && digits < 8 && path[n + digits] == '\0')
                        return kinds[i];
        }
        return NULL;
}

static const struct inside_device *device_at(const struct inside_facts *f, const char *path) {
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].is_char && streq(f->devices[i].path, path))
                        return &f->devices[i];
        return NULL;
}

/* The node that a stale line most likely means today: the one of its kind without a line. */
static const char *successor(const struct service *s, const char *kind) {
        for (size_t i = 0; i < s->facts->n_devices; i++) {
                const struct inside_device *d = &s->facts->devices[i];

                if (d->expected && d->is_char && str_has_prefix(d->path, kind) &&
                    !unit_allows(s->unit, d->path))
                        return d->path;
        }
        return NULL;
}

/* sed expressions that give every stale line the present name; "" when there is no stale line. */
static const char *rename_stale(struct arena *a, const struct service *s, struct strbuf *stale) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < s->unit->n_devices; i++) {
                const char *path = s->unit->devices[i].path, *kind = dri_kind(path), *now;

                if (!kind || device_at(s->facts, path))
                        continue;
                strbuf_printf(stale, "%s%s", stale->len > 0 ? ", " : "", path);
                now = successor(s, kind);
                if (now)
                        strbuf_printf(&b, " -e \"s|%s\\b|%s|\"", path, now);
        }
        return strbuf_str(&b);
}

static const char *allow_lines(struct arena *a, const struct service *s) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < s->facts->n_devices; i++) {
                const struct inside_device *d = &s->facts->devices[i];

                if (d->expected && d->is_char && !unit_allows(s->unit, d->path))
                        strbuf_printf(&b, "DeviceAllow=%s rw\\n", d->path);
        }
        return strbuf_str(&b);
}

/* Whether the running process opens every node: then what its settings say is not enforced. */
static bool opens_all(const struct service *s) {
        for (size_t i = 0; s->main && i < s->main->n_devices; i++)
                if (s->main->devices[i].open.step != OPEN_DONE ||
                    s->main->devices[i].open.error != 0)
                        return false;
        return s->main && s->main->n_devices > 0;
}

static bool judge_devices(struct doctor_report *r, const struct service *s) {
        struct arena *a = r->arena;
        struct strbuf stale = { .arena = a };
        const char *renames = rename_stale(a, s, &stale), *lines = allow_lines(a, s);
        const char *weak = opens_all(s) ? ", which its systemd cannot enforce here" : "";
        struct doctor_item item = { .check = DOCTOR_SERVICE_DEVICES,
                                    .verdict = *weak ? DOCTOR_WARNING : DOCTOR_FAILED,
                                    .subject = s->name };

        if (s->unit->private_devices) {
                item.evidence =
                        arena_printf(a, "PrivateDevices=yes takes all GPU nodes away%s", weak);
                item.mend = service_setting(a, s, "PrivateDevices=no\\n");
        } else if (stale.len > 0) {
                item.evidence = arena_printf(a, "DeviceAllow= names %s, not there any more%s",
                                             strbuf_str(&stale), weak);
                if (!*lines)
                        item.verdict = DOCTOR_WARNING; /* all that is there is allowed beside it */
                if (*renames)
                        item.mend = arena_printf(
                                a,
                                "pct exec %u -- sh -c 'find /etc/systemd/system/%s* -type f -exec "
                                "sed -i%s {} + && systemctl daemon-reload && systemctl restart %s'",
                                s->facts->vmid, s->name, renames, s->name);
                else
                        item.advice = "take the line out: systemctl edit, in the container";
        } else if (*lines) {
                item.evidence =
                        arena_printf(a, "DeviceAllow= and DevicePolicy=%s leave a GPU node out%s",
                                     s->unit->device_policy, weak);
                item.mend = service_keep(a, s);
                if (!item.mend)
                        item.mend = service_setting(a, s, lines);
        } else {
                item.verdict = DOCTOR_OK;
                item.evidence = s->unit->n_devices > 0 ? "DeviceAllow= has the nodes"
                                                       : "no device is kept from it";
        }
        doctor_add(r, item);
        return item.verdict == DOCTOR_OK;
}

/* ---- what its process can open ---- */

static void judge_open(struct doctor_report *r, const struct service *s, bool explained) {
        for (size_t i = 0; s->main && i < s->main->n_devices; i++) {
                const struct inside_device *d = &s->main->devices[i];
                bool ok = d->open.step == OPEN_DONE && d->open.error == 0;
                struct doctor_item item = { .check = DOCTOR_SERVICE_OPEN,
                                            .verdict = ok ? DOCTOR_OK : DOCTOR_FAILED,
                                            .subject = s->name };
                const char *words = d->present ? doctor_open_words(r->arena, s->facts, d)
                                               : "its own /dev does not have it (PrivateDevices=, "
                                                 "or it has not been restarted)";

                item.evidence = arena_printf(r->arena, "%s, as its process %u: %s", d->path,
                                             s->main->pid, words);
                if (!ok && d->kind == NODE_CARD)
                        item.verdict = DOCTOR_WARNING;
                if (!ok && d->present && d->open.step < OPEN_DONE)
                        item.verdict = DOCTOR_SKIPPED;
                if (item.verdict >= DOCTOR_WARNING && explained)
                        item.advice = "mended by what is said above";
                else if (item.verdict >= DOCTOR_WARNING)
                        item.mend = service_restart(r->arena, s);
                doctor_add(r, item);
        }
        if (!s->main)
                doctor_add(r, (struct doctor_item){ .check = DOCTOR_SERVICE_OPEN,
                                                    .verdict = DOCTOR_SKIPPED,
                                                    .subject = s->name,
                                                    .evidence = "it does not run" });
}

/* ---- all of them ---- */

static const char *name_of(const struct inside_facts *f, const struct unit *u, bool *ret_named) {
        for (size_t i = 0; i < f->n_units; i++)
                if (streq(f->units[i], u->id)) {
                        *ret_named = i < f->n_named;
                        return f->units[i];
                }
        return NULL;
}

static const struct inside_main *main_of(const struct inside_facts *f, const struct unit *u) {
        for (size_t i = 0; u->main_pid && i < f->n_mains; i++)
                if (f->mains[i].pid == u->main_pid)
                        return &f->mains[i];
        return NULL;
}

static bool judge_unit(struct doctor_report *r, const struct inside_facts *f,
                       const struct unit *u) {
        bool named = false, may, left;
        struct service s = {
                .facts = f, .unit = u, .name = name_of(f, u, &named), .main = main_of(f, u)
        };

        if (!s.name || (!u->loaded && !named))
                return false;
        if (!u->loaded) {
                doctor_add(r,
                           (struct doctor_item){ .check = DOCTOR_SYSTEMD,
                                                 .verdict = DOCTOR_FAILED,
                                                 .subject = s.name,
                                                 .evidence = "the policy names it, and the "
                                                             "container has no such unit",
                                                 .advice = "install it in the container, or take "
                                                           "it out of guest-service" });
                return true;
        }
        if (streq(s.name, "docker.service")) {
                doctor_add(r, (struct doctor_item){
                                      .check = DOCTOR_SYSTEMD,
                                      .verdict = DOCTOR_SKIPPED,
                                      .subject = s.name,
                                      .evidence = "what it runs (often Frigate, Immich) is given "
                                                  "devices by Docker; that is not looked at" });
                return true;
        }
        may = judge_group(r, &s);
        left = judge_devices(r, &s);
        judge_open(r, &s, !may || !left);
        if (streq(s.name, "ollama.service"))
                doctor_ollama(r, &s);
        return true;
}

void doctor_services(struct doctor_report *r, const struct inside_facts *f) {
        struct doctor_item item = { .check = DOCTOR_SYSTEMD, .verdict = DOCTOR_SKIPPED };
        struct unit *units = NULL;
        size_t n;
        bool any = false;

        if (!f->systemd || f->show.ran != RAN_DONE) {
                item.evidence = !f->systemd                  ? "the container does not run systemd"
                                : f->show.ran == RAN_TIMEOUT ? "systemctl gave no answer in time"
                                                             : "systemctl could not be asked";
                if (f->systemd && f->show.ran != RAN_ABSENT)
                        item.verdict = DOCTOR_WARNING;
                doctor_add(r, item);
                return;
        }
        n = unit_parse(r->arena, f->show.output, &units);
        for (size_t i = 0; i < n; i++)
                any |= judge_unit(r, f, &units[i]);
        if (!any) {
                item.evidence = "no service that is known to use a GPU; the policy names none";
                doctor_add(r, item);
        }
}
