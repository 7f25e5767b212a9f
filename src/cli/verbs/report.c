/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * report - one file for a bug report
 */
#include "anchor/doctor.h"
#include "base/file.h"
#include "base/tar.h"
#include "cli/views.h"
#include "cli/output.h"
#include "cli/report/collect.h"
#include "host/probe/probe.h"
#include "pve/guest.h"
#include "render/doctor.h"
#include "render/json.h"

#include <errno.h>
#include <time.h>

#define FOLDER "gpuanchor-report/"

static void put(struct report *r, const char *name, struct bytes content) {
        const char *path = arena_printf(&r->c->arena, FOLDER "%s", name);

        if (strlen(path) > TAR_NAME_MAX) {
                report_unread(r, name, MSG_REPORT_NAME_LONG);
                return;
        }
        tar_add(&r->tar, path, content, r->now);
        r->n_written++;
}

static void put_json(struct report *r, const char *name, const char *json) {
        put(r, name, bytes_of(json_masked(&r->mask, json)));
}

static void put_files(struct report *r) {
        for (size_t i = 0; i < r->n_files; i++) {
                const struct report_file *f = &r->files[i];

                if (f->mask)
                        put(r, f->path + 1, f->mask(&r->mask, f->content));
        }
}

static void put_doctor(struct report *r, uint32_t vmid, const char *name) {
        struct doctor d;
        struct doctor_view v;
        int e = anchor_doctor(&r->c->host, vmid, &d);

        if (e != 0) {
                report_unread(r, name, e < 0 ? strerror(-e) : MSG_REPORT_GUEST);
                return;
        }
        if (d.blind)
                report_unread(r, arena_printf(&r->c->arena, MSG_REPORT_INSIDE, vmid),
                              strerror(EACCES));
        v = (struct doctor_view){ .report = &d.report,
                                  .node = r->c->host.pve.node,
                                  .vmid = d.vmid };
        put_json(r, name, json_doctor(&r->c->arena, &v));
}

/* 0 or negative errno */
static int put_looks(struct report *r) {
        struct inventory inv;
        struct status_view status = { 0 };
        int e;

        e = look_gpus(r->c, &inv);
        if (e < 0)
                return e;
        e = look_status(r->c, &status);
        if (e < 0)
                return e;
        r->watched = status.watched;
        put_json(r, "gpus.json", json_gpus(&r->c->arena, &inv));
        put_json(r, "status.json", json_status(&r->c->arena, &status));
        put_doctor(r, 0, "doctor.json");
        for (size_t i = 0; i < r->n_managed; i++)
                put_doctor(r, r->managed[i],
                           arena_printf(&r->c->arena, "doctor-%u.json", r->managed[i]));
        return 0;
}

static void put_readme(struct report *r) {
        struct strbuf b = { .arena = &r->c->arena };

        strbuf_adds(&b, MSG_REPORT_README);
        for (size_t i = 0; i < r->n_unread; i++) {
                struct bytes line = mask_text(&r->mask, bytes_of(r->unread[i]));

                strbuf_printf(&b, "%s  %.*s\n", i == 0 ? MSG_REPORT_NOT_IN : "", (int)line.len,
                              line.data);
        }
        put(r, "README.txt", strbuf_bytes(&b));
}

static const char *default_name(struct cli *c, time_t now) {
        char date[16];
        struct tm tm;

        localtime_r(&now, &tm);
        strftime(date, sizeof(date), "%Y-%m-%d", &tm);
        return arena_printf(&c->arena, "gpuanchor-report-%s.tar", date);
}

static int write_out(struct report *r, const char *path) {
        struct cli *c = r->c;
        int e = file_replace(path, strbuf_bytes(&r->tar), 0600, FILE_NEW);

        if (e == -EEXIST)
                return cli_fail(c, MSG_DO_REPORT_OUTPUT, MSG_REPORT_THERE, path);
        if (e < 0)
                return cli_fail(c, MSG_DO_REPORT_OUTPUT, MSG_REPORT_NOT_WRITTEN, path,
                                strerror(-e));
        cli_say(c, MSG_REPORT_WRITTEN, path, r->n_written);
        cli_say(c, MSG_REPORT_MASKED, path);
        for (size_t i = 0; i < r->n_unread; i++)
                cli_fail(c, geteuid() == 0 ? "" : MSG_DO_SUDO, MSG_REPORT_MISSING, r->unread[i]);
        return r->n_unread > 0 ? EXIT_ATTENTION : EXIT_DONE;
}

static int run(struct cli *c) {
        struct report r = { .c = c,
                            .mask = mask_open(&c->arena),
                            .tar = { .arena = &c->arena },
                            .now = time(NULL) };
        int e;

        e = anchor_majors(&c->host);
        if (e < 0)
                return cli_fail(c, "", MSG_DEVICES_UNREAD, strerror(-e));
        for (size_t i = 0; i < c->host.facts.n_gpus; i++) {
                mask_allow(&r.mask, c->host.facts.gpus[i].address);
                mask_allow(&r.mask, c->host.facts.gpus[i].driver);
                mask_allow(&r.mask, c->host.facts.gpus[i].name);
        }
        report_collect(&r);
        put(&r, "versions.txt", report_versions(&r));
        e = put_looks(&r);
        if (e < 0)
                return cli_fail(c, "", MSG_HOST_UNREAD, strerror(-e));
        put(&r, "host.host", report_host(&r));
        put_files(&r);
        put_readme(&r);
        tar_end(&r.tar);
        return write_out(&r, c->opt[OPT_OUTPUT] ? c->opt[OPT_OUTPUT] : default_name(c, r.now));
}

const struct verb verb_report = {
        .name = "report",
        .args = "",
        .summary = "one file with all that a bug report needs",
        .example = "gpuanchor report",
        .about = "Versions, the host as a sample for the tests, findings, settings, and the files\n"
                 "of containers that are managed or have a GPU, in a tar file. What is not\n"
                 "known to be harmless is masked: REPORT in gpuanchor(1). Sends nothing.\n",
        .exits = { "written", "written, and something could not be read",
                   "wrong usage, or not written; no file is ever overwritten" },
        .options = OPT_BIT(OPT_OUTPUT),
        .max_args = 0,
        .run = run,
};
