/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-upkeep - what is to be done inside a container, and the script that does it
 *
 * The script is run by this system's sh on a folder, with tools that write down how
 * they were called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/spawn.h"
#include "model/guest/upkeep-script.h"
#include "model/policy/key.h"

#include <ftw.h>
#include <sys/stat.h>

#define GROUPS "root:x:0:\nvideo:x:44:viewer\nrender:x:110:viewer,ollama\nollama:x:900:\n"
#define USERS "root:x:0:0:root:/root:/bin/sh\nollama:x:900:900::/tmp:/bin/false\n"

static struct arena arena;

/* ---- the decision ---- */

struct sample {
        struct policy policy;
        struct plan_gid gids[GID_GROUPS];
        struct upkeep_input in;
        struct findings findings;
        struct upkeep todo;
};

static const char *const nodes[] = { "/dev/dri/card1", "/dev/dri/renderD129" };

static void set(struct sample *s, const char *key, const char *value) {
        const char *problem = policy_set(&arena, &s->policy, key, value);

        if (problem)
                fail_msg("%s", problem);
}

static struct sample *sample(const char *groups, const char *users) {
        struct sample *s = arena_alloc(&arena, sizeof(*s));

        policy_init(&arena, &s->policy);
        s->findings.arena = &arena;
        s->gids[GID_VIDEO] = (struct plan_gid){ .name = "video", .known = true, .inside = 44 };
        s->gids[GID_RENDER] = (struct plan_gid){ .name = "render", .known = true, .inside = 110 };
        s->in = (struct upkeep_input){
                .policy = &s->policy,
                .gids = s->gids,
                .groups = bytes_of(groups),
                .users = bytes_of(users),
                .nodes = nodes,
                .n_nodes = 2,
                .systemd = true,
        };
        return s;
}

static const char *steps_text(const struct upkeep *u) {
        static const char *const words[] = {
                [UPKEEP_GROUP] = "group",   [UPKEEP_MEMBER] = "member",
                [UPKEEP_WRITE] = "write",   [UPKEEP_REMOVE] = "remove",
                [UPKEEP_RELOAD] = "reload", [UPKEEP_RESTART] = "restart",
        };
        struct strbuf b = { .arena = &arena };

        for (size_t i = 0; i < u->n; i++) {
                const struct upkeep_step *s = &u->steps[i];

                strbuf_printf(&b, "%s%s %s", i ? "; " : "", words[s->kind], s->name);
                if (s->gid)
                        strbuf_printf(&b, " %u", s->gid);
                if (s->group)
                        strbuf_printf(&b, " %s", s->group);
        }
        return strbuf_str(&b);
}

static void assert_plan(struct sample *s, const char *steps, const char *findings) {
        struct strbuf b = { .arena = &arena };

        s->findings.n = 0;
        upkeep_plan(&arena, &s->in, &s->findings, &s->todo);
        for (size_t i = 0; i < s->findings.n; i++)
                strbuf_printf(&b, "%s%s", i ? " " : "",
                              finding_kinds[s->findings.items[i].code].code);
        assert_string_equal(steps_text(&s->todo), steps);
        assert_string_equal(strbuf_str(&b), findings);
}

static void assert_bytes(struct bytes b, const char *expected) {
        assert_string_equal(arena_strndup(&arena, b.data, b.len), expected);
}

static void test_nothing_asked_for(void **state) {
        assert_plan(sample("root:x:0:\n", USERS), "", "");
}

static void test_groups(void **state) {
        struct sample *s = sample("root:x:0:\nvideo:x:44:\n", USERS);

        set(s, "guest-groups", "ensure");
        assert_plan(s, "group render 110", "");
        s = sample("root:x:0:\n", USERS);
        set(s, "guest-groups", "ensure");
        assert_plan(s, "group video 44; group render 110", "");
        s = sample("", "");
        set(s, "guest-groups", "ensure");
        assert_plan(s, "group video 44; group render 110", "");
        set(s, "guest-groups", "leave");
        assert_plan(s, "", "");
        /* neither map nor host tells a number */
        set(s, "guest-groups", "ensure");
        s->gids[GID_RENDER].inside = 0;
        assert_plan(s, "group video 44", "");
}

static void test_group_of_another_number(void **state) {
        struct sample *s = sample("video:x:39:\nrender:x:110:\n", USERS);

        set(s, "guest-groups", "ensure");
        assert_plan(s, "", "guest-group-other");
        assert_string_equal(s->findings.items[0].old, "39");
        assert_string_equal(s->findings.items[0].new, "44");
}

static void test_gid_taken(void **state) {
        struct sample *s = sample("video:x:44:\nsgx:x:110:\n", USERS);

        set(s, "guest-groups", "ensure");
        set(s, "guest-users", "ollama");
        set(s, "guest-service", "ollama.service");
        assert_plan(s,
                    "member ollama video; write ollama.service; reload systemctl; "
                    "restart ollama.service",
                    "guest-gid-taken");
        assert_string_equal(s->findings.items[0].old, "sgx");
        /* a group that is not there would keep the service from starting */
        assert_non_null(strstr(s->todo.steps[1].text.data, "SupplementaryGroups=video\n"));
        /* one number for two groups that are both missing */
        s = sample("", USERS);
        set(s, "guest-groups", "ensure");
        s->gids[GID_RENDER].inside = 44;
        assert_plan(s, "group video 44", "guest-gid-taken");
}

static void test_users(void **state) {
        struct sample *s = sample(GROUPS, USERS);

        set(s, "guest-users", "ollama jellyfin");
        assert_plan(s, "member ollama video", "guest-user-none");
        assert_string_equal(s->findings.items[0].what, "jellyfin");
        /* its primary group is as good; half a name is another one */
        s = sample("video:x:44:ollama2\nrender:x:110:\n", "ollama:x:900:110::/:/bin/false");
        set(s, "guest-users", "ollama");
        assert_plan(s, "member ollama video", "");
        /* no groups, nothing to add to */
        s = sample("root:x:0:\n", USERS);
        set(s, "guest-users", "ollama");
        assert_plan(s, "", "");
}

static void test_hostile_files(void **state) {
        struct sample *s =
                sample("video\n:::\nvideo:x:-1:\nvideo:x:99999999999:\nrender:x:110", USERS);

        s->in.users = (struct bytes){ "a\0b:x:1\nollama:x:900", 19 };
        set(s, "guest-groups", "ensure");
        set(s, "guest-users", "ollama");
        assert_plan(s, "group video 44; member ollama video; member ollama render", "");
}

static const char dropin[] =
        "# Written by gpuanchor on the Proxmox host, at every start that changes it.\n"
        "# Own settings belong in another file of this folder.\n"
        "[Service]\n"
        "SupplementaryGroups=video render\n"
        "DeviceAllow=/dev/dri/card1 rw\n"
        "DeviceAllow=/dev/dri/renderD129 rw\n"
        "Environment=\"OLLAMA_VULKAN=1\"\n"
        "Environment=\"A=100%%\\\"\\\\$x'\"\n";

static void test_dropin(void **state) {
        struct sample *s = sample(GROUPS, USERS);
        struct upkeep_dropin there[] = { { "ollama.service", bytes_of(dropin) },
                                         { "old.service", bytes_of(dropin) } };

        set(s, "guest-service", "ollama.service");
        set(s, "guest-environment", "OLLAMA_VULKAN=1 A=100%\"\\$x'");
        assert_plan(s, "write ollama.service; reload systemctl; restart ollama.service", "");
        assert_bytes(s->todo.steps[0].text, dropin);
        assert_true(upkeep_is_own(s->todo.steps[0].text));
        s->in.dropins = there;
        s->in.n_dropins = 1;
        assert_plan(s, "", "");
        s->in.n_dropins = 2;
        assert_plan(s, "remove old.service; reload systemctl; restart old.service", "");
        /* another node name now */
        s->in.n_dropins = 1;
        s->in.n_nodes = 1;
        assert_plan(s, "write ollama.service; reload systemctl; restart ollama.service", "");
        s->in.systemd = false;
        assert_plan(s, "", "guest-no-systemd");
        /* no GPU, no groups: the file still says what remains */
        s = sample("", "");
        s->in.n_nodes = 0;
        set(s, "guest-service", "x@1.service");
        assert_plan(s, "write x@1.service; reload systemctl; restart x@1.service", "");
        assert_bytes(s->todo.steps[0].text,
                     "# Written by gpuanchor on the Proxmox host, at every start that changes it.\n"
                     "# Own settings belong in another file of this folder.\n[Service]\n");
}

static void test_names(void **state) {
        assert_string_equal(upkeep_unit_of(&arena, "ollama.service.d"), "ollama.service");
        assert_null(upkeep_unit_of(&arena, "ollama.service"));
        assert_null(upkeep_unit_of(&arena, "multi-user.target.wants"));
        assert_null(upkeep_unit_of(&arena, "a b.service.d"));
        assert_null(upkeep_unit_of(&arena, "$(x).service.d"));
        assert_null(upkeep_unit_of(&arena, ".d"));
        assert_string_equal(upkeep_path(&arena, "a.service"),
                            "/etc/systemd/system/a.service.d/50-gpuanchor.conf");
}

/* ---- the script ---- */

static const char *folder;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        return remove(path);
}

static void tool(const char *name, const char *text) {
        const char *path = arena_printf(&arena, "%s/bin/%s", folder, name);

        assert_int_equal(file_replace(path, bytes_of(text), 0755, 0), 0);
        assert_int_equal(chmod(path, 0755), 0);
}

/* ret_told: codes of the findings, each with its first field that says more */
static const char *run(const struct upkeep *u, unsigned timeout_ms, const char **ret_told) {
        const char *path = arena_printf(&arena, "PATH=%s/bin:%s", folder, "/usr/bin:/bin");
        const char *const argv[] = { "env", path, "sh", NULL };
        struct bytes script = upkeep_script(&arena, u, arena_printf(&arena, "%s/units", folder));
        struct spawn_job job = { argv, script, timeout_ms, 64 * 1024 };
        struct findings f = { .arena = &arena };
        struct strbuf b = { .arena = &arena };
        struct spawn_result r = { 0 };
        struct bytes log = { 0 };
        int problem = spawn_run(&arena, &job, &r);

        assert_true(problem >= 0);
        upkeep_results(u, r.output, problem ? "too slow" : NULL, &f);
        for (size_t i = 0; i < f.n; i++)
                strbuf_printf(&b, "%s%s %s", i ? "; " : "", finding_kinds[f.items[i].code].code,
                              f.items[i].old ? f.items[i].old : f.items[i].what);
        *ret_told = strbuf_str(&b);
        path = arena_printf(&arena, "%s/log", folder);
        if (file_read(&arena, path, 10000, &log) < 0)
                return "";
        unlink(path);
        return arena_strndup(&arena, log.data, log.len);
}

static struct upkeep steps(const struct upkeep_step *s, size_t n) {
        return (struct upkeep){ (struct upkeep_step *)s, n };
}

static const struct upkeep_step all_steps[] = {
        { .kind = UPKEEP_GROUP, .name = "render", .gid = 110 },
        { .kind = UPKEEP_MEMBER, .name = "ollama", .group = "render" },
        { .kind = UPKEEP_WRITE, .name = "ollama.service", .text = { dropin, sizeof(dropin) - 1 } },
        { .kind = UPKEEP_REMOVE, .name = "old.service" },
        { .kind = UPKEEP_RELOAD, .name = "systemctl" },
        { .kind = UPKEEP_RESTART, .name = "ollama.service" },
};

#define LOG(name) "#!/bin/sh\necho \"" name " $*\" >>\"${0%/bin/*}/log\"\n"

static void good_tools(void) {
        tool("groupadd", LOG("groupadd"));
        tool("usermod", LOG("usermod"));
        tool("systemctl", LOG("systemctl"));
}

static const char *path_of(const char *unit, const char *file) {
        return arena_printf(&arena, "%s/units/%s.d/%s", folder, unit, file);
}

static void test_script(void **state) {
        struct upkeep u = steps(all_steps, ELEMENTS(all_steps));
        struct bytes text;
        const char *told;
        struct stat st;

        good_tools();
        assert_int_equal(mkdir_parents(path_of("old.service", "."), 0755), 0);
        assert_int_equal(file_replace(path_of("old.service", UPKEEP_DROPIN), BYTES("x"), 0600, 0),
                         0);
        assert_string_equal(run(&u, 20000, &told),
                            "groupadd -g 110 render\n"
                            "usermod -a -G render ollama\n"
                            "systemctl daemon-reload\n"
                            "systemctl --no-block try-restart ollama.service\n");
        assert_string_equal(told, "guest-group-added render; guest-member-added ollama; "
                                  "guest-dropin-written ollama.service; "
                                  "guest-dropin-removed old.service");
        assert_int_equal(file_read(&arena, path_of("ollama.service", UPKEEP_DROPIN), 10000, &text),
                         0);
        assert_bytes(text, dropin);
        assert_int_equal(stat(path_of("ollama.service", UPKEEP_DROPIN), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(access(path_of("ollama.service", ".gpuanchor.tmp"), F_OK), -1);
        assert_int_equal(access(path_of("old.service", "."), F_OK), -1);
}

/* systemd has no socket at first; a unit that does not exist needs no restart */
static void test_script_systemd_is_late(void **state) {
        struct upkeep u = steps(all_steps + 4, 2);
        const char *told;

        tool("systemctl", "#!/bin/sh\n"
                          "log=${0%/bin/*}/log\n"
                          "echo \"$1\" >>\"$log\"\n"
                          "[ \"$1\" = daemon-reload ] || exit 5\n"
                          "[ $(wc -l <\"$log\") -ge 3 ]\n");
        assert_string_equal(run(&u, 20000, &told),
                            "daemon-reload\ndaemon-reload\ndaemon-reload\n--no-block\n");
        assert_string_equal(told, "");
        tool("systemctl", "#!/bin/sh\nexit 1\n");
        run(&u, 500, &told);
        assert_string_equal(told, "guest-step-failed too slow");
}

static void test_script_fails(void **state) {
        struct upkeep_step blocked[] = { { .kind = UPKEEP_WRITE }, all_steps[4] };
        struct upkeep u = steps(all_steps, ELEMENTS(all_steps));
        const char *told;

        good_tools();
        tool("groupadd", "#!/bin/sh\necho \"groupadd: GID '110' already exists\" >&2\nexit 4\n");
        assert_string_equal(run(&u, 20000, &told), "");
        assert_string_equal(told, "guest-step-failed groupadd: GID '110' already exists");
        /* no output, hostile output, none at all */
        tool("groupadd", "#!/bin/sh\nexit 4\n");
        run(&u, 20000, &told);
        assert_string_equal(told, "guest-step-failed exit status 4");
        upkeep_results(&u, BYTES("gpuanchor-step 5 0\ngpuanchor-step x\n\xff\n"), NULL,
                    &(struct findings){ .arena = &arena });
        /* a file where the folder has to be: mkdir's own words */
        good_tools();
        blocked[0].name = "blocked.service";
        blocked[0].text = all_steps[2].text;
        assert_int_equal(file_replace(arena_printf(&arena, "%s/units/blocked.service.d", folder),
                                      BYTES(""), 0644, 0),
                         0);
        u = steps(blocked, 2);
        assert_string_equal(run(&u, 20000, &told), "");
        assert_non_null(strstr(told, "guest-step-failed mkdir: "));
}

static void test_script_busybox(void **state) {
        struct upkeep u = steps(all_steps, 2);
        const char *told;

        unlink(arena_printf(&arena, "%s/bin/groupadd", folder));
        unlink(arena_printf(&arena, "%s/bin/usermod", folder));
        if (access("/usr/sbin/groupadd", X_OK) == 0 && access("/usr/bin/groupadd", X_OK) == 0)
                skip();
        tool("addgroup", LOG("addgroup"));
        assert_string_equal(run(&u, 20000, &told), "addgroup -g 110 render\n"
                                                   "addgroup ollama render\n");
}

static void test_output(void **state) {
        struct upkeep u = steps(all_steps, 2);
        struct findings f = { .arena = &arena };

        /* another step's mark, and one that is none, are no marks */
        upkeep_results(&u, BYTES("gpuanchor-step 1 0\ngpuanchor-step\ngpuanchor-step 0 0 0\n"), NULL,
                    &f);
        assert_int_equal(f.n, 1);
        assert_int_equal(f.items[0].code, FINDING_GUEST_STEP_FAILED);
        f.n = 0;
        upkeep_results(&u, (struct bytes){ 0 }, "lxc-attach: no", &f);
        assert_string_equal(f.items[0].old, "lxc-attach: no");
        assert_string_equal(f.items[0].what, "creating group render with gid 110");
}

static int setup(void **state) {
        char template[] = "/tmp/gpuanchor-upkeep-XXXXXX";

        folder = mkdtemp(template) ? arena_strdup(&arena, template) : NULL;
        return folder && mkdir_parents(arena_printf(&arena, "%s/bin", folder), 0755) == 0 ? 0 : -1;
}

static int teardown(void **state) {
        nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        arena_done(&arena);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_asked_for),
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_group_of_another_number),
                cmocka_unit_test(test_gid_taken),
                cmocka_unit_test(test_users),
                cmocka_unit_test(test_hostile_files),
                cmocka_unit_test(test_dropin),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_script),
                cmocka_unit_test(test_script_systemd_is_late),
                cmocka_unit_test(test_script_fails),
                cmocka_unit_test(test_script_busybox),
                cmocka_unit_test(test_output),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
