/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * service-checks - layer 3: what the container's systemd allows its services
 *
 * The settings of a service and what its running process can open are two checks: in an
 * unprivileged container systemd cannot load the device filter of DeviceAllow= (BPF needs
 * privilege on the host) and starts the service without it, so a stale line stops no program
 * there. In a privileged container it does.
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

/* As the kernel: the first that matches of owner, group and others decides; it needs rw. */
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

static void join_group(struct arena *a, const struct service *s, const char *group,
                       struct doctor_item *item) {
        const char *user = s->unit->user;

        if (service_keep(s, item))
                return;
        if (!*user || streq(user, "root") || !account_name_is_plain(user))
                service_set(arena_printf(a, "SupplementaryGroups=%s\\n", group), item);
        else
                item->remedy = REMEDY_JOIN_GROUP;
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
                /* programs compute and encode through the render node; the card node is for
                 * displays */
                struct doctor_item item = { .outcome = group == GID_VIDEO
                                                               ? OUTCOME_SERVICE_GROUP_NOT_VIDEO
                                                               : OUTCOME_SERVICE_GROUP_NOT_RENDER,
                                            .subject = s->name,
                                            .what = user,
                                            .new = gid_group_name(group) };

                if (!refused[group])
                        continue;
                all = false;
                join_group(r->arena, s, item.new, &item);
                doctor_add(r, item);
        }
        if (all)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_SERVICE_GROUP_MEMBER,
                                                    .subject = s->name,
                                                    .what = user });
        return all;
}

/* ---- DeviceAllow=, DevicePolicy=, PrivateDevices= ---- */

static const struct inside_device *device_at(const struct inside_facts *f, const char *path) {
        for (size_t i = 0; i < f->n_devices; i++)
                if (f->devices[i].is_char && streq(f->devices[i].path, path))
                        return &f->devices[i];
        return NULL;
}

/* The node that a stale line should name: the one of its kind without a line. */
static const char *successor(const struct service *s, const struct family *family) {
        for (size_t i = 0; i < s->facts->n_devices; i++) {
                const struct inside_device *d = &s->facts->devices[i];

                if (d->expected && d->is_char && family_of_path(bytes_of(d->path)) == family &&
                    !unit_allows(s->unit, d->path))
                        return d->path;
        }
        return NULL;
}

/* The kinds of which every node in the container is known, also those that it was not given. */
static bool is_drm(const struct family *f) {
        return f->major == families[FAMILY_CARD].major;
}

/* sed expressions that give every stale line the present name; "" when there is no stale line. */
static const char *rename_stale(struct arena *a, const struct service *s, struct strbuf *stale) {
        struct strbuf b = { .arena = a };

        for (size_t i = 0; i < s->unit->n_devices; i++) {
                const char *path = s->unit->devices[i].path, *now;
                const struct family *family = family_of_path(bytes_of(path));

                if (!family || !is_drm(family) || device_at(s->facts, path))
                        continue;
                strbuf_printf(stale, "%s%s", stale->len > 0 ? ", " : "", path);
                now = successor(s, family);
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

/* Whether the running process can open every node: then its settings are not enforced. */
static bool opens_all(const struct service *s) {
        for (size_t i = 0; s->main && i < s->main->n_devices; i++)
                if (s->main->devices[i].open.step != OPEN_DONE ||
                    s->main->devices[i].open.error != 0)
                        return false;
        return s->main && s->main->n_devices > 0;
}

static enum doctor_outcome outcome_of_devices(const struct service *s, bool stale, bool left_out) {
        bool weak = opens_all(s);

        if (s->unit->private_devices)
                return weak ? OUTCOME_SERVICE_DEVICES_PRIVATE_UNENFORCED
                            : OUTCOME_SERVICE_DEVICES_PRIVATE;
        if (stale && weak)
                return OUTCOME_SERVICE_DEVICES_STALE_UNENFORCED;
        if (stale) /* a warning when all existing nodes are allowed by other lines */
                return left_out ? OUTCOME_SERVICE_DEVICES_STALE
                                : OUTCOME_SERVICE_DEVICES_STALE_BESIDE;
        if (left_out)
                return weak ? OUTCOME_SERVICE_DEVICES_LEFT_OUT_UNENFORCED
                            : OUTCOME_SERVICE_DEVICES_LEFT_OUT;
        return s->unit->n_devices > 0 ? OUTCOME_SERVICE_DEVICES_LISTED
                                      : OUTCOME_SERVICE_DEVICES_OPEN;
}

static bool judge_devices(struct doctor_report *r, const struct service *s) {
        struct strbuf stale = { .arena = r->arena };
        const char *renames = rename_stale(r->arena, s, &stale), *lines = allow_lines(r->arena, s);
        struct doctor_item item = { .outcome = outcome_of_devices(s, stale.len > 0, *lines),
                                    .subject = s->name,
                                    .what = stale.len > 0 ? strbuf_str(&stale)
                                                          : s->unit->device_policy };

        if (s->unit->private_devices) {
                service_set("PrivateDevices=no\\n", &item);
        } else if (stale.len > 0 && *renames) {
                item.remedy = REMEDY_UNIT_RENAME;
                item.arg = renames;
        } else if (stale.len == 0 && *lines && !service_keep(s, &item)) {
                service_set(lines, &item);
        }
        doctor_add(r, item);
        return doctor_outcomes[item.outcome].verdict == DOCTOR_OK;
}

/* ---- what its process can open ---- */

static void judge_open(struct doctor_report *r, const struct service *s, bool explained) {
        for (size_t i = 0; s->main && i < s->main->n_devices; i++) {
                const struct inside_device *d = &s->main->devices[i];
                struct doctor_item item = { .outcome = d->kind == NODE_CARD
                                                               ? OUTCOME_SERVICE_OPEN_CARD_REFUSED
                                                               : OUTCOME_SERVICE_OPEN_REFUSED,
                                            .subject = s->name,
                                            .where = d->path,
                                            .what = arena_printf(r->arena, "%u", s->main->pid) };

                doctor_open_reason(r->arena, s->facts, d, &item);
                if (item.reason == REASON_OPENS)
                        item.outcome = OUTCOME_SERVICE_OPEN_OPENS;
                else if (!d->present)
                        item.reason = REASON_NOT_THERE;
                else if (d->open.step < OPEN_DONE)
                        item.outcome = OUTCOME_SERVICE_OPEN_NOT_TRIED;
                if (doctor_outcomes[item.outcome].verdict >= DOCTOR_WARNING)
                        item.remedy = explained ? REMEDY_SEE_ABOVE : REMEDY_RESTART;
                doctor_add(r, item);
        }
        if (!s->main)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_SERVICE_OPEN_STOPPED,
                                                    .subject = s->name });
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
        if (!u->loaded || streq(s.name, "docker.service")) {
                doctor_add(r, (struct doctor_item){ .outcome = u->loaded ? OUTCOME_SYSTEMD_DOCKER
                                                                         : OUTCOME_SYSTEMD_NO_UNIT,
                                                    .subject = s.name });
                return true;
        }
        may = judge_group(r, &s);
        left = judge_devices(r, &s);
        judge_open(r, &s, !may || !left);
        if (streq(s.name, "ollama.service"))
                doctor_ollama(r, &s);
        return true;
}

static enum doctor_outcome outcome_of_show(const struct inside_facts *f) {
        if (!f->systemd)
                return OUTCOME_SYSTEMD_NONE;
        return f->show.ran == RAN_TIMEOUT  ? OUTCOME_SYSTEMD_TIMEOUT
               : f->show.ran == RAN_ABSENT ? OUTCOME_SYSTEMD_NO_SYSTEMCTL
                                           : OUTCOME_SYSTEMD_NOT_ASKED;
}

void doctor_services(struct doctor_report *r, const struct inside_facts *f) {
        struct unit *units = NULL;
        size_t n;
        bool any = false;

        if (!f->systemd || f->show.ran != RAN_DONE) {
                doctor_add(r, (struct doctor_item){ .outcome = outcome_of_show(f) });
                return;
        }
        n = unit_parse(r->arena, f->show.output, &units);
        for (size_t i = 0; i < n; i++)
                any |= judge_unit(r, f, &units[i]);
        if (!any)
                doctor_add(r, (struct doctor_item){ .outcome = OUTCOME_SYSTEMD_NO_SERVICE });
}
