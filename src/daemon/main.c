/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * gpuanchord - the watcher
 *
 * Tells the journal when a GPU, a group or a container file is no longer what
 * it was. It changes nothing but its own state file. Under systemd it speaks to
 * the journal and to the service manager; started by hand, to stderr.
 */
#include "daemon/manager.h"
#include "render/journal.h"
#include "render/text.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct daemon {
        struct manager *manager;
        bool to_journal;
        uint64_t reported; /* number of the look that the service manager knows of */
};

static uint64_t monotonic_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void say(const struct finding *f, bool resolved) {
        _cleanup_arena_ struct arena a = { 0 };
        const char *remedy = resolved ? "" : finding_remedy(&a, f, f->vmid);

        fprintf(stderr, "gpuanchord: %s%s%s%s%s [%s]\n",
                f->vmid ? arena_printf(&a, "%u: ", f->vmid) : "",
                resolved ? "resolved: " : severity_label(finding_severity(f)),
                finding_text(&a, f, f->vmid), *remedy ? "; " : "", remedy,
                finding_kinds[f->code].code);
}

static void tell(void *user, const struct finding *f, bool resolved) {
        struct daemon *d = user;
        int r = -ENOENT;

        if (d->to_journal)
                r = resolved ? journal_send_resolved("gpuanchord", f, f->vmid)
                             : journal_send("gpuanchord", f, f->vmid);
        if (r < 0)
                say(f, resolved);
}

static void notify(struct daemon *d, const char *state) {
        (void)sd_notifyf(false, "%sSTATUS=%s", state, manager_summary(d->manager));
        d->reported = manager_checks(d->manager);
}

static int after_dispatch(sd_event_source *s, void *user) {
        struct daemon *d = user;

        if (d->reported != manager_checks(d->manager))
                notify(d, "");
        return 0;
}

/* systemd 252 has no Type=notify-reload yet; this is its protocol, which 252 takes too. */
static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *user) {
        struct daemon *d = user;
        uint64_t now = monotonic_usec();

        (void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)now);
        (void)manager_reload(d->manager, now);
        notify(d, "READY=1\n");
        return 0;
}

static int add_signals(sd_event *e, struct daemon *d) {
        sigset_t set;
        int r;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        r = sd_event_add_signal(e, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_event_add_signal(e, NULL, SIGINT, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(e, NULL, SIGHUP, on_hangup, d);
}

static int run(struct daemon *d, sd_event *e) {
        int r;

        r = add_signals(e, d);
        if (r >= 0)
                r = sd_event_set_watchdog(e, true);
        if (r < 0)
                return r;
        (void)manager_check(d->manager, monotonic_usec()); /* what is wrong with it was reported */
        r = manager_attach(d->manager, e);
        if (r >= 0)
                r = sd_event_add_post(e, NULL, after_dispatch, d);
        if (r < 0)
                return r;
        notify(d, "READY=1\n");
        r = sd_event_loop(e);
        (void)sd_notify(false, "STOPPING=1");
        return r;
}

static int serve(const char *root) {
        struct daemon d = { .to_journal = !*root && getenv("JOURNAL_STREAM") };
        sd_event *e = NULL;
        int r;

        r = sd_event_default(&e);
        if (r >= 0)
                r = manager_new(root, *root ? NULL : getenv("STATE_DIRECTORY"),
                                (struct teller){ tell, &d }, &d.manager);
        if (r >= 0)
                r = run(&d, e);
        manager_free(d.manager);
        sd_event_unref(e);
        if (r < 0)
                fprintf(stderr, "gpuanchord: cannot watch: %s\n", strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { 0 },
        };
        const char *root = getenv("GPUANCHOR_ROOT");
        int c = getopt_long(argc, argv, "hV", options, NULL);

        if (c == 'h') {
                puts("Usage: gpuanchord\n\n"
                     "Watches GPUs, groups and container files and tells the journal what "
                     "changed.\n"
                     "Started by gpuanchord.service; by hand it speaks to stderr. SIGHUP "
                     "reloads.\n\n"
                     "  -h, --help     show this and exit\n"
                     "  -V, --version  show the version and exit\n\n"
                     "See gpuanchord(8), gpuanchor.conf(5).");
                return EXIT_SUCCESS;
        }
        if (c == 'V') {
                puts("gpuanchord " GPUANCHOR_VERSION);
                return EXIT_SUCCESS;
        }
        if (c != -1 || optind < argc) {
                fputs("gpuanchord: takes no arguments; see gpuanchord --help\n", stderr);
                return 2;
        }
        signal(SIGXFSZ, SIG_IGN); /* write(2) then fails instead, which can be said */
        return serve(root ? root : "");
}
