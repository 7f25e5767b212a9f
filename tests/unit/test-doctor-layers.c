/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-doctor-layers - what doctor says about a container file: layers 1 and 2, its lines
 *
 * Each case is a file, a choice of GPU and one answer. The host is that of sample-host.h: the
 * container of the guide has 0000:02:00.0, card1 and renderD128, on a host whose groups are
 * video 44 and render 104.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/doctor/container.h"
#include "model/conf/snapshot.h"
#include "model/plan/make.h"
#include "model/policy/key.h"
#include "render/doctor-item.h"
#include "sample-host.h"

static struct arena arena;

static int done(void **state) {
        arena_done(&arena);
        return 0;
}

#define UNPRIVILEGED "unprivileged: 1\n"
#define UIDS "lxc.idmap: u 0 100000 65536\n"
#define GIDS                                                                                       \
        "lxc.idmap: g 0 100000 44\nlxc.idmap: g 44 44 1\nlxc.idmap: g 45 100045 59\n"              \
        "lxc.idmap: g 104 104 1\nlxc.idmap: g 105 100105 65431\n"
#define MOUNT(name) "lxc.mount.entry: /dev/dri/" name " dev/dri/" name " none bind,optional\n"
#define NODES MOUNT("card1") MOUNT("renderD128")
#define ALLOW(what) "lxc.cgroup2.devices.allow: c " what " rwm\n"
#define GUIDE UNPRIVILEGED UIDS GIDS NODES
#define OURS "pci:0000:02:00.0"

/* What is not in the file; all zero is the good case of a managed container. */
struct around {
        bool unmanaged, not_ours, left_alone, no_plan, no_delegation;
        const char *edits, *refuse, *volume, *next;
        enum hook_problem hook_problem, next_problem;
        const struct doctor_line *chmod;
        bool policy_key, policy_broken, idmap_broken, idmap_odd;
        const struct facts *facts;
};

static const struct around good;

static void add(struct findings *f, bool wanted, enum finding_code code) {
        if (wanted)
                finding_add(f, (struct finding){ .code = code, .what = "what", .where = "where" });
}

static struct doctor_report examine(const char *text, const char *gpu, const struct around *w) {
        static struct subid_range base[] = { { 100000, 65536 }, { 44, 1 }, { 104, 1 } };
        struct facts facts = w->facts ? *w->facts : sample_host;
        struct findings found = { .arena = &arena }, snapshots = { .arena = &arena };
        struct doctor_report r = { .arena = &arena };
        struct pctconf conf = { 0 };
        struct survey survey = { 0 };
        struct plan plan = { 0 };
        struct policy policy;
        const char *problem;
        struct plan_input in = { .facts = &facts,
                                 .policy = &policy,
                                 .node = "pve1",
                                 .name = "101.conf",
                                 .conf = &conf,
                                 .survey = &survey };
        struct doctor_guest g = {
                .vmid = 101,
                .name = "101.conf",
                .path = "/etc/pve/lxc/101.conf",
                .managed = !w->unmanaged && !w->not_ours,
                .has_policy = !w->unmanaged,
                .left_alone = w->left_alone,
                .facts = &facts,
                .plan = &plan,
                .conf = &conf,
                .survey = &survey,
                .findings = &found,
                .snapshots = &snapshots,
                .subuids = base,
                .n_subuids = w->no_delegation ? 0 : 1,
                .hook = { w->volume, w->hook_problem },
                .next = { w->next, w->next_problem },
                .chmods = w->chmod,
                .n_chmods = w->chmod ? 1 : 0,
                .edits = w->edits,
                .refuse = w->refuse,
        };

        facts.subgids = base;
        facts.n_subgids = w->no_delegation ? 0 : ELEMENTS(base);
        policy_init(&arena, &policy);
        problem = gpu ? policy_set(&arena, &policy, "gpu", gpu) : NULL;
        if (problem)
                fail_msg("%s", problem);
        pctconf_parse(&arena, PCTCONF_PVE, bytes_of(text), &conf);
        survey_make(&arena, &facts, &conf, &survey);
        if (!w->no_plan) /* a policy that cannot be believed: none is made */
                plan_make(&arena, &in, &found, &plan);
        add(&found, w->policy_key, FINDING_POLICY_KEY);
        add(&found, w->policy_broken, FINDING_POLICY_BROKEN);
        add(&found, w->idmap_broken, FINDING_IDMAP_BROKEN);
        add(&found, w->idmap_odd, FINDING_IDMAP_ODD);
        snapshots_check(&(struct snapshot_query){ &facts, &plan.choice.gpus, g.name }, conf.tail,
                        &snapshots);
        doctor_check_file(&r, &g);
        doctor_check_cgroup(&r, &g);
        doctor_check_conf(&r, &g);
        return r;
}

/* One answer: its verdict, words of it ("" for any), and words of its command (NULL: it has none).
 */
struct answer {
        const char *text, *gpu;
        enum doctor_check check;
        enum doctor_verdict verdict;
        const char *words, *command;
};

static bool has(const char *text, const char *words) {
        return strstr(text ? text : "", words) != NULL;
}

static bool gives(const struct doctor_item *i, const struct answer *want) {
        const char *command = doctor_command(&arena, i, 101);

        return i->check == want->check && i->verdict == want->verdict &&
               (has(doctor_evidence(&arena, i, 101), want->words) ||
                has(i->subject, want->words)) &&
               (want->command ? has(command, want->command) : !command);
}

static void expect(const struct answer *want, const struct around *w) {
        struct around with = *w;
        struct doctor_report r;

        if (want->command && !w->edits)
                with.edits = "line 2"; /* what the command carries out */
        r = examine(want->text, want->gpu, &with);

        for (size_t i = 0; i < r.n; i++)
                if (gives(&r.items[i], want))
                        return;
        for (size_t i = 0; i < r.n; i++)
                if (r.items[i].check == want->check)
                        print_message("  %s %s %s: %s -> %s\n",
                                      doctor_verdict_name(r.items[i].verdict),
                                      doctor_checks[want->check].name, r.items[i].subject,
                                      doctor_evidence(&arena, &r.items[i], 101),
                                      doctor_command(&arena, &r.items[i], 101));
        fail_msg("%s is not %s \"%s\" with %s, of\n%s", doctor_checks[want->check].name,
                 doctor_verdict_name(want->verdict), want->words, want->command, want->text);
}

static void expect_all(const struct answer *answers, size_t n, const struct around *w) {
        for (size_t i = 0; i < n; i++)
                expect(&answers[i], w);
}

static void test_guide(void **state) {
        struct doctor_report r = examine(GUIDE, NULL, &good);

        for (size_t i = 0; i < r.n; i++)
                if (r.items[i].verdict >= DOCTOR_WARNING)
                        fail_msg("%s: %s", doctor_checks[r.items[i].check].name,
                                 doctor_evidence(&arena, &r.items[i], 101));
        for (enum doctor_check c = 0; c < DOCTOR_CHECKS; c++)
                if (doctor_checks[c].group >= DOCTOR_FILE &&
                    doctor_checks[c].group <= DOCTOR_CONF && c != DOCTOR_DEVICE_LINE &&
                    c != DOCTOR_APPLICATION &&
                    !doctor_has(&r, c))
                        fail_msg("%s gives no answer", doctor_checks[c].name);
}

/* ---- layer 1 ---- */

static void test_idmap(void **state) {
        const struct answer answers[] = {
                { GUIDE, OURS, DOCTOR_IDMAP, DOCTOR_OK, "5 ranges of gids", NULL },
                { UNPRIVILEGED NODES, OURS, DOCTOR_IDMAP, DOCTOR_OK, "the default map", NULL },
                { NODES, OURS, DOCTOR_IDMAP, DOCTOR_OK, "privileged", NULL },
                { UNPRIVILEGED GIDS NODES, OURS, DOCTOR_IDMAP, DOCTOR_FAILED, "no line for uids",
                  "gpuanchor fix 101 idmap" },
                { UNPRIVILEGED UIDS NODES, OURS, DOCTOR_IDMAP, DOCTOR_FAILED, "no line for gids",
                  NULL },
                { GUIDE "lxc.idmap: g 44 45 1\n", OURS, DOCTOR_IDMAP, DOCTOR_FAILED,
                  "g 44 45 1 has ids of line", NULL },
                { GUIDE "lxc.idmap: g 44 44 1\n", OURS, DOCTOR_IDMAP, DOCTOR_FAILED,
                  "says the same as line", "gpuanchor fix 101 idmap" },
                { GUIDE "lxc.idmap: u 1 1 1\n", OURS, DOCTOR_IDMAP, DOCTOR_FAILED,
                  "u 1 1 1 has ids of line", NULL },
                { GUIDE "lxc.idmap: nonsense\n", OURS, DOCTOR_IDMAP, DOCTOR_FAILED,
                  "cannot be parsed", NULL },
                { GUIDE "lxc.idmap: nonsense\n", OURS, DOCTOR_OWNER, DOCTOR_SKIPPED, "see idmap",
                  NULL },
        };

        expect_all(answers, ELEMENTS(answers), &good);
        expect(&(struct answer){ GUIDE, OURS, DOCTOR_IDMAP, DOCTOR_FAILED, "correct the lxc.idmap",
                                 NULL },
               &(struct around){ .idmap_broken = true });
        expect(&(struct answer){ GUIDE, OURS, DOCTOR_IDMAP, DOCTOR_WARNING, "", NULL },
               &(struct around){ .idmap_odd = true });
        expect(&(struct answer){ UNPRIVILEGED GIDS NODES, OURS, DOCTOR_IDMAP, DOCTOR_FAILED,
                                 "correct the lxc.idmap", NULL },
               &(struct around){ .idmap_broken = true });
}

static void test_delegated(void **state) {
        const struct answer ok = {
                GUIDE, OURS, DOCTOR_DELEGATED, DOCTOR_OK, "give root all host ids", NULL
        };
        const struct answer alone = { GUIDE,
                                      OURS,
                                      DOCTOR_DELEGATED,
                                      DOCTOR_FAILED,
                                      "/etc/subgid does not let root map host gid 104 (render): ",
                                      "usermod --add-subgids 104-104 root" };
        const struct answer range = {
                UNPRIVILEGED "lxc.idmap: u 0 300000 10\n"
                             "lxc.idmap: g 0 300000 10\n",
                OURS,
                DOCTOR_DELEGATED,
                DOCTOR_FAILED,
                "/etc/subuid does not let root map host uids 300000 to 300009: ",
                "usermod --add-subuids 300000-300009 root"
        };

        expect(&ok, &good);
        expect(&alone, &(struct around){ .no_delegation = true });
        expect(&range, &good);
}

#define DEV(value) UNPRIVILEGED "dev0: /dev/dri/renderD128" value "\n"

static void test_owner(void **state) {
        const struct answer answers[] = {
                { GUIDE, OURS, DOCTOR_OWNER, DOCTOR_OK, "nobody:104, container gid 104 is host gid 104 (render)", NULL },
                { UNPRIVILEGED NODES, OURS, DOCTOR_OWNER, DOCTOR_FAILED,
                  "nobody:nogroup: the id map does not have the node's host gid 104",
                  "gpuanchor apply 101" },
                { UNPRIVILEGED UIDS "lxc.idmap: g 0 100000 104\nlxc.idmap: g 104 993 1\n"
                                    "lxc.idmap: g 105 100105 65431\n" NODES,
                  OURS, DOCTOR_OWNER, DOCTOR_FAILED,
                  "belongs to host gid 104, but the id map makes container gid 104 (render) host "
                  "gid 993",
                  "gpuanchor apply 101" },
                { UNPRIVILEGED "lxc.idmap: u 0 0 1\nlxc.idmap: u 1 100001 65535\n" GIDS NODES, OURS,
                  DOCTOR_OWNER, DOCTOR_OK, "root:44", NULL },
                { UNPRIVILEGED "lxc.idmap: u 0 100000 7\nlxc.idmap: u 7 0 1\n" GIDS NODES, OURS,
                  DOCTOR_OWNER, DOCTOR_OK, "7:44", NULL },
                { NODES, OURS, DOCTOR_OWNER, DOCTOR_OK, "0:104 0660 as on the host", NULL },
                /* devN */
                { DEV(",gid=104"), OURS, DOCTOR_OWNER, DOCTOR_OK,
                  "root:104, a node made for the container", NULL },
                { DEV(",gid=7,uid=3"), OURS, DOCTOR_OWNER, DOCTOR_OK, "3:7, a node made for",
                  NULL },
                { DEV(",mode=0666"), OURS, DOCTOR_OWNER, DOCTOR_OK, "that every user can open",
                  NULL },
                { DEV(",mode=0660"), OURS, DOCTOR_OWNER, DOCTOR_WARNING,
                  "only root in the container", NULL },
                { UIDS GIDS "dev0: /dev/dri/renderD128\n", OURS, DOCTOR_OWNER, DOCTOR_WARNING,
                  "root:root 0660", "pct set 101 --dev0 /dev/dri/renderD128,gid=104" },
                { "dev0: /dev/nvidia0\n", "pci:0000:03:00.0", DOCTOR_OWNER, DOCTOR_WARNING,
                  "root:root", "pct set 101 --dev0 /dev/nvidia0,mode=0666" },
                { "dev0: /dev/nvidia0,mode=0660\n", "pci:0000:03:00.0", DOCTOR_OWNER,
                  DOCTOR_WARNING, "root:root", "pct set 101 --dev0 /dev/nvidia0,mode=0666" },
                { UNPRIVILEGED "dev0: /dev/dri/renderD128,gid=x\n", OURS, DOCTOR_SYNTAX,
                  DOCTOR_FAILED, "", "gpuanchor apply 101" },
        };

        expect_all(answers, ELEMENTS(answers), &good);
}

/* A node that is wrong on the host is reported by the checks of the host. */
static void test_owner_wrong_on_host(void **state) {
        static struct node nodes[2];
        static struct gpu gpu;
        struct facts facts = sample_host;
        struct around w = { .facts = &facts };
        struct answer want = {
                GUIDE, OURS, DOCTOR_OWNER, DOCTOR_SKIPPED, "see node-owner and group", NULL
        };

        memcpy(nodes, sample_amd_2, sizeof(nodes));
        gpu = sample_gpus[SAMPLE_AMD_2];
        gpu.nodes = nodes;
        facts.gpus = &gpu;
        facts.n_gpus = 1;
        nodes[1].gid = 993; /* udev has not run since groupmod */
        expect(&want, &w);
        nodes[1].gid = 0;
        expect(&want, &w);
        nodes[1].mode = 0666;
        nodes[1].gid = 993;
        want.verdict = DOCTOR_OK;
        want.words = "every user can open it (mode 0666)";
        expect(&want, &w);
        nodes[1].state = NODE_FAKE;
        want.verdict = DOCTOR_SKIPPED;
        want.words = "see node";
        expect(&want, &w);
        want.check = DOCTOR_LINE;
        want.words = "/dev/dri/renderD128, see node";
        expect(&want, &w);
}

/* ---- layer 2 ---- */

static void test_cgroup(void **state) {
        const struct answer answers[] = {
                { GUIDE, OURS, DOCTOR_DEVICE_GATE, DOCTOR_OK, "nothing: an unprivileged", NULL },
                { GUIDE ALLOW("226:128"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_OK,
                  "/dev/dri/renderD128", NULL },
                { GUIDE ALLOW("226:0"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_OK,
                  "another GPU, 0000:01:00.0", NULL },
                { GUIDE ALLOW("226:*"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_OK, "every GPU", NULL },
                { GUIDE ALLOW("226:77"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_WARNING,
                  "no device of this host", "gpuanchor apply 101" },
                { GUIDE ALLOW("235:0"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_OK, "/dev/kfd", NULL },
                /* a privileged container: the gate */
                { NODES ALLOW("226:1") ALLOW("226:128"), OURS, DOCTOR_DEVICE_GATE, DOCTOR_OK,
                  "its lines", NULL },
                { NODES ALLOW("226:*"), OURS, DOCTOR_DEVICE_GATE, DOCTOR_OK, "its lines", NULL },
                { NODES ALLOW("*:*"), OURS, DOCTOR_DEVICE_GATE, DOCTOR_OK, "its lines", NULL },
                { NODES ALLOW("226:1"), OURS, DOCTOR_DEVICE_GATE, DOCTOR_FAILED,
                  "no line allows 226:128", "gpuanchor apply 101" },
                { NODES ALLOW("226:1") "lxc.cgroup2.devices.allow: b 226:128 rwm\n", OURS,
                  DOCTOR_DEVICE_GATE, DOCTOR_FAILED, "no line allows 226:128", "" },
                { NODES ALLOW("226:1") "lxc.cgroup.devices.allow: c 226:128 rwm\n", OURS,
                  DOCTOR_DEVICE_GATE, DOCTOR_FAILED, "no line allows 226:128", "" },
                { NODES "lxc.cgroup.devices.allow: c 226:128 rwm\n", OURS, DOCTOR_LEGACY_KEY,
                  DOCTOR_WARNING, "no effect under cgroup v2", "gpuanchor apply 101" },
                { NODES "lxc.cgroup.cpu.shares: 512\n", OURS, DOCTOR_LEGACY_KEY, DOCTOR_WARNING,
                  "cpuunits", "gpuanchor fix 101 legacy-key" },
                { NODES ALLOW("226:*"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_WARNING, "every GPU",
                  "gpuanchor apply 101" },
                { NODES ALLOW("226:1") ALLOW("226:128") "lxc.cgroup2.devices.allow: a\n", OURS,
                  DOCTOR_DEVICE_LINE, DOCTOR_WARNING, "every GPU", "gpuanchor fix 101 device-line" },
                { NODES "lxc.cgroup2.devices.allow: a\n", OURS, DOCTOR_DEVICE_LINE, DOCTOR_WARNING,
                  "instead of it: c 226:1 rwm, c 226:128 rwm", NULL },
                { NODES ALLOW("226:0"), OURS, DOCTOR_DEVICE_LINE, DOCTOR_WARNING,
                  "/dev/dri/card0 of another GPU", "gpuanchor apply 101" },
                { NODES ALLOW("226:0"), "driver:none", DOCTOR_DEVICE_LINE, DOCTOR_OK,
                  "/dev/dri/card0", NULL },
        };

        expect_all(answers, ELEMENTS(answers), &good);
        expect(&(struct answer){ NODES, OURS, DOCTOR_DEVICE_GATE, DOCTOR_FAILED,
                                 "see policy and idmap", NULL },
               &(struct around){ .left_alone = true });
}

/* ---- the container file ---- */

static void test_lines(void **state) {
        const struct answer answers[] = {
                { GUIDE, OURS, DOCTOR_LINE, DOCTOR_OK, "/dev/dri/card1 of 0000:02:00.0", NULL },
                { GUIDE "dev0: /dev/kfd,gid=104\n", OURS, DOCTOR_LINE, DOCTOR_OK, "/dev/kfd",
                  NULL },
                { UNPRIVILEGED, OURS, DOCTOR_LINE, DOCTOR_FAILED, "no line gives",
                  "gpuanchor apply 101" },
                { GUIDE, OURS " pci:0000:01:00.0", DOCTOR_LINE, DOCTOR_FAILED, "no line gives it",
                  "gpuanchor apply 101" },
                { GUIDE MOUNT("card0"), OURS, DOCTOR_LINE, DOCTOR_FAILED,
                  "belongs to another GPU, 0000:01:00.0", "" },
                { GUIDE MOUNT("card77"), OURS, DOCTOR_LINE, DOCTOR_FAILED,
                  "not a node of this host: the container gets an empty file", "" },
                { GUIDE "lxc.mount.entry: /dev/dri/card77 dev/dri/card77 none bind\n", OURS,
                  DOCTOR_LINE, DOCTOR_FAILED, "the start fails", "" },
                { DEV(",gid=104") "dev1: /dev/dri/card77,gid=44\n", OURS, DOCTOR_LINE,
                  DOCTOR_FAILED, "Proxmox refuses the start", "" },
                { GUIDE "dev0: /dev/dri/card1,gid=44\n", OURS, DOCTOR_TARGET, DOCTOR_FAILED,
                  "EEXIST", "" },
                { GUIDE MOUNT("card1"), OURS, DOCTOR_TARGET, DOCTOR_WARNING,
                  " also gives /dev/dri/card1", "" },
                { GUIDE "dev0: /dev/kfd,gid=104\n", OURS, DOCTOR_METHOD, DOCTOR_WARNING,
                  "1 devN and 2", "--method idmap" },
                { DEV(",gid=104"), OURS, DOCTOR_METHOD, DOCTOR_OK, "devN", NULL },
                { UNPRIVILEGED, OURS, DOCTOR_METHOD, DOCTOR_OK, "none", NULL },
                { UNPRIVILEGED "lxc.mount.entry: /dev/dri/card1 dev/dri/card0 none bind\n", OURS,
                  DOCTOR_RENAMED, DOCTOR_WARNING, "/dev/dri/card1 is /dev/dri/card0", "" },
                { UNPRIVILEGED "lxc.mount.entry: /dev/dri/card77 dev/dri/card0 none bind\n", OURS,
                  DOCTOR_RENAMED, DOCTOR_WARNING, "/dev/dri/card77 is /dev/dri/card0", "" },
                { DEV(",gid=104") "dev1: /dev/dri/by-path/pci-0000:02:00.0-card,gid=44\n", OURS,
                  DOCTOR_RENAMED, DOCTOR_WARNING, "by-path", "" },
                { UNPRIVILEGED UIDS GIDS "lxc.mount.entry: /dev/dri dev/dri none bind\n", OURS,
                  DOCTOR_FOLDER, DOCTOR_OK, "every node that the host's folder has", NULL },
                { UNPRIVILEGED "mp0: /dev/dri,mp=/dev/dri\n", OURS, DOCTOR_FOLDER, DOCTOR_FAILED,
                  "block device", "pct set 101 --delete mp0" },
                { UNPRIVILEGED "lxc.mount.entry: /dev dev none rbind\n", OURS, DOCTOR_FOLDER,
                  DOCTOR_WARNING, "every GPU", NULL },
        };
        const struct answer folder = { UNPRIVILEGED "lxc.mount.entry: /dev/dri dev/dri none bind\n",
                                       OURS,
                                       DOCTOR_FOLDER,
                                       DOCTOR_WARNING,
                                       "every node",
                                       "gpuanchor apply 101" };

        expect_all(answers, ELEMENTS(answers), &good);
        expect(&folder, &(struct around){ .edits = "line 2" });
}

/* Which GPU is meant, and what is said when that is not clear. */
static void test_choice(void **state) {
        const struct around unmanaged = { .unmanaged = true };
        const struct answer enable = { GUIDE MOUNT("card77"),
                                       NULL,
                                       DOCTOR_LINE,
                                       DOCTOR_FAILED,
                                       "see choice",
                                       NULL };
        const struct answer see = { enable.text,   NULL, DOCTOR_CHOICE,
                                    DOCTOR_FAILED, "",   NULL };
        const struct answer two = { GUIDE MOUNT("renderD129") MOUNT("card77"),
                                    NULL,
                                    DOCTOR_LINE,
                                    DOCTOR_FAILED,
                                    "see choice",
                                    NULL };
        const struct answer gone = { GUIDE, "pci:0000:0a:00.0", DOCTOR_CHOICE, DOCTOR_FAILED, "",
                                     NULL };
        const struct answer alone = {
                GUIDE, "pci:0000:0a:00.0", DOCTOR_METHOD, DOCTOR_OK, "", NULL
        };
        const struct answer clear = {
                UNPRIVILEGED NODES, OURS, DOCTOR_OWNER,
                DOCTOR_FAILED,      "",   "gpuanchor enable 101; gpuanchor apply 101"
        };
        const struct answer nobody = { UNPRIVILEGED, NULL, DOCTOR_CHOICE, DOCTOR_FAILED, "", NULL };

        expect(&enable, &unmanaged);
        expect(&see, &unmanaged);
        expect(&two, &unmanaged);
        expect(&clear, &unmanaged);
        expect(&gone, &good);
        expect(&alone, &good);
        expect(&nobody, &good);
        expect(&(struct answer){ two.text, NULL, DOCTOR_CHOICE, DOCTOR_FAILED, "", NULL },
               &unmanaged);
        expect(&(struct answer){ GUIDE, NULL, DOCTOR_CHOICE, DOCTOR_SKIPPED, "see policy and idmap",
                                 NULL },
               &(struct around){ .left_alone = true, .no_plan = true });
        expect(&(struct answer){ GUIDE "dev0: /dev/kfd,gid=104\n", NULL, DOCTOR_METHOD,
                                 DOCTOR_WARNING, "1 devN and 2", NULL },
               &(struct around){ .left_alone = true, .no_plan = true });
        expect(&(struct answer){ GUIDE, OURS, DOCTOR_CHOICE, DOCTOR_OK, "0000:02:00.0 (", NULL },
               &good);
}

static void test_policy(void **state) {
        struct answer want = { GUIDE, OURS, DOCTOR_POLICY, DOCTOR_WARNING, "", NULL };

        expect(&want, &(struct around){ .policy_key = true });
        want.verdict = DOCTOR_FAILED;
        expect(&want, &(struct around){ .policy_broken = true, .unmanaged = true });
        want.verdict = DOCTOR_SKIPPED;
        want.words = "gpuanchor enable 101";
        expect(&want, &(struct around){ .unmanaged = true });
}

/* ---- what hangs on the file ---- */

static void test_hook(void **state) {
        const struct around bad = { .volume = "local:snippets/gpuanchor-hook",
                                    .hook_problem = HOOK_NOT_EXECUTABLE };
        struct around w = bad;
        struct answer want = { GUIDE,
                               OURS,
                               DOCTOR_HOOKSCRIPT,
                               DOCTOR_FAILED,
                               "every start fails",
                               "gpuanchor enable 101" };

        expect(&want, &w);
        w.unmanaged = true;
        want.command = "pct set 101 --delete hookscript";
        expect(&want, &w);
        want = (struct answer){ GUIDE,          OURS, DOCTOR_HOOKSCRIPT,
                                DOCTOR_WARNING, "",   "gpuanchor enable 101" };
        expect(&want, &(struct around){ .not_ours = true });
        want.verdict = DOCTOR_SKIPPED;
        want.words = "no hookscript";
        want.command = NULL;
        expect(&want, &(struct around){ .unmanaged = true });
        want.verdict = DOCTOR_OK;
        want.words = "not gpuanchor's";
        expect(&want, &(struct around){ .unmanaged = true, .volume = "local:snippets/own" });
        want.words = "gpuanchor's";
        expect(&want, &(struct around){ .volume = "local:snippets/gpuanchor-hook" });
        w = (struct around){ .volume = "local:snippets/gpuanchor-hook",
                             .next = "local:snippets/own" };
        want.words = "gpuanchor's, which then runs local:snippets/own";
        expect(&want, &w);
        w.next_problem = HOOK_ABSENT;
        want.verdict = DOCTOR_FAILED;
        want.words = "next-hook: it does not exist";
        want.command = "--next-hook none";
        expect(&want, &w);
}

static void test_chmod(void **state) {
        const struct doctor_line line = { "/root/fix it.sh", 3, 4, "chmod 666 /dev/dri/card1" };
        const struct answer script = {
                GUIDE, OURS, DOCTOR_CHMOD, DOCTOR_WARNING, "/root/fix it.sh:3-4", NULL
        };
        const struct answer own = { GUIDE "lxc.hook.pre-start: sh -c 'chmod 666 /dev/dri/card1'\n",
                                    OURS,
                                    DOCTOR_CHMOD,
                                    DOCTOR_WARNING,
                                    "101.conf:10",
                                    "gpuanchor fix 101 chmod" };
        const struct answer other = {
                GUIDE "lxc.hook.pre-start: /bin/true\n", OURS, DOCTOR_CHMOD, DOCTOR_OK, "", NULL
        };

        expect(&script, &(struct around){ .chmod = &line });
        expect(&own, &good);
        expect(&other, &good);
}

static void test_state(void **state) {
        const struct answer answers[] = {
                { GUIDE "lock: backup\n", OURS, DOCTOR_LOCK, DOCTOR_WARNING, "wait until the task",
                  "pct unlock 101" },
                { GUIDE "template: 1\n", OURS, DOCTOR_LOCK, DOCTOR_SKIPPED, "never starts", NULL },
                { GUIDE "template: 0\n", OURS, DOCTOR_LOCK, DOCTOR_OK, "", NULL },
                { GUIDE "\n[pve:pending]\ndev0: /dev/dri/card0\nmemory: 1\ndelete: hookscript\n",
                  OURS, DOCTOR_PENDING, DOCTOR_WARNING, "dev0, delete: takes effect",
                  "pct reboot 101" },
                { GUIDE "\n[pve:pending]", OURS, DOCTOR_PENDING, DOCTOR_OK, "", NULL },
                { GUIDE "\n[old]\ndev0: /dev/dri/card0\n", OURS, DOCTOR_PENDING, DOCTOR_OK, "",
                  NULL },
                { GUIDE "\n[old]\ndev0: /dev/dri/card0\n", OURS, DOCTOR_SNAPSHOT, DOCTOR_OK, "old",
                  NULL },
        };
        const struct answer snapshot = { GUIDE "\n[old]\ndev0: /dev/dri/card0\n",
                                         OURS,
                                         DOCTOR_SNAPSHOT,
                                         DOCTOR_WARNING,
                                         "old",
                                         "gpuanchor enable 101" };

        expect_all(answers, ELEMENTS(answers), &good);
        expect(&snapshot, &(struct around){ .unmanaged = true });
}

static void test_next_start(void **state) {
        struct around w = { .edits = "line 2 corrected", .refuse = "no GPU" };
        struct answer want = { GUIDE, OURS, DOCTOR_NEXT_START, DOCTOR_FAILED, "refused: no GPU",
                               NULL };

        expect(&want, &w);
        w.refuse = NULL;
        want.verdict = DOCTOR_WARNING;
        want.words = "";
        want.command = "gpuanchor apply 101";
        expect(&want, &w);
        /* named by a check already; a hook's own fault does not count as that */
        w.chmod = &(struct doctor_line){ "/a", 1, 1, "chmod" };
        w.not_ours = true;
        expect(&want, &w);
        want.text = UNPRIVILEGED NODES;
        want.verdict = DOCTOR_SKIPPED;
        want.words = "see above; line 2 corrected";
        want.command = NULL;
        expect(&want, &w);
        want = (struct answer){
                GUIDE, OURS, DOCTOR_NEXT_START, DOCTOR_OK, "changes nothing", NULL
        };
        expect(&want, &good);
        want.words = "nothing to correct";
        expect(&want, &(struct around){ .unmanaged = true, .refuse = "only when managed" });
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_guide),
                cmocka_unit_test(test_idmap),
                cmocka_unit_test(test_delegated),
                cmocka_unit_test(test_owner),
                cmocka_unit_test(test_owner_wrong_on_host),
                cmocka_unit_test(test_cgroup),
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_choice),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_hook),
                cmocka_unit_test(test_chmod),
                cmocka_unit_test(test_state),
                cmocka_unit_test(test_next_start),
        };

        return cmocka_run_group_tests_name("doctor-layers", tests, NULL, done);
}
