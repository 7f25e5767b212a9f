/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-watcher - the daemon's look on sample hosts
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "model/watch/state.h"
#include "watcher-stage.h"

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void first_look_then_silence(void **state) {
        struct stage *s = new_stage("guide");

        assert_string_equal(look(s), "baseline-new 0");
        assert_string_equal(look(s), "");
        assert_string_equal(manager_summary(s->m), "2 GPUs, 1 managed container; nothing is open");
        open_manager(s); /* a restart tells nothing again */
        assert_string_equal(look(s), "");
        end_stage(s);
}

static void stale_lines_and_what_becomes_of_them(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\ngpu = pci:0000:c1:00.0\n");
        shell("sed -i \"s/226:1 /226:7 /\" %s/etc/pve/lxc/101.conf", s->root);
        assert_string_equal(look(s), "container-stale 101");
        assert_int_equal(s->last_severity, SEV_NOTICE);
        assert_string_equal(s->last_text, "101.conf is out of date: 1 change: line 13: "
                                          "lxc.cgroup2.devices.allow: c 226:7 rwm -> c 226:1 rwm");
        assert_string_equal(look(s), "");
        open_manager(s);
        assert_string_equal(look(s), "");
        shell("sed -i \"s/226:7 /226:1 /\" %s/etc/pve/lxc/101.conf", s->root);
        assert_string_equal(look(s), "-container-stale 101");
        end_stage(s);
}

/* It is another node's now, with whatever was wrong with it. */
static void moved_away_is_not_resolved(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("sed -i \"s/226:1 /226:7 /\" %s/etc/pve/lxc/101.conf", s->root);
        assert_string_equal(look(s), "container-stale 101");
        shell("mkdir -p %s/etc/pve/nodes/pve2/lxc && mv %s/etc/pve/lxc/101.conf "
              "%s/etc/pve/nodes/pve2/lxc/", s->root, s->root, s->root);
        assert_string_equal(look(s), "");
        end_stage(s);
}

static void missing_dev_path_is_a_warning(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        write_file(s->root, "/etc/pve/gpuanchor/102.conf", "[container]\ngpu = pci:0000:c1:00.0\n");
        write_file(s->root, "/etc/pve/lxc/102.conf",
                   "dev0: /dev/dri/renderD130,gid=104\nhookscript: local:snippets/gpuanchor-hook\n"
                   "hostname: b\nunprivileged: 1\n");
        assert_string_equal(look(s), "container-no-start 102");
        assert_non_null(strstr(s->last_text, "there is no /dev/dri/renderD130"));
        assert_int_equal(s->last_severity, SEV_WARNING);
        end_stage(s);
}

/* udev's correction of a node's group takes it from the containers that run with the old one. */
static void node_leaves_those_that_run(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("sed -i s/render:x:110/render:x:993/ %s/etc/group", s->root);
        assert_null(strstr(look(s), "node-leaves"));
        shell("cd %s && mkdir -p run/gpuanchor var/lib/lxc/101 && printf '[given]\\n' "
              ">run/gpuanchor/101 && sed -n 's/^\\(lxc[^:]*\\): /\\1 = /p' etc/pve/lxc/101.conf "
              ">var/lib/lxc/101/config",
              s->root);
        assert_string_equal(look(s), "node-leaves 101");
        end_stage(s);
}

static void hook_is_missing(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("chmod -x %s/var/lib/vz/snippets/gpuanchor-hook", s->root);
        assert_string_equal(look(s), "hook-unusable 101");
        assert_int_equal(s->last_severity, SEV_ERROR);
        assert_non_null(strstr(s->last_text, "is not executable: the start will fail"));
        shell("rm %s/var/lib/vz/snippets/gpuanchor-hook", s->root);
        assert_string_equal(look(s), "hook-unusable 101"); /* changed, so not resolved */
        assert_non_null(strstr(s->last_text, "does not exist"));
        shell("install -m 755 /dev/null %s/var/lib/vz/snippets/gpuanchor-hook", s->root);
        assert_string_equal(look(s), "-hook-unusable 101");
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\n");
        shell("sed -i /hookscript/d %s/etc/pve/lxc/101.conf", s->root);
        assert_string_equal(look(s), "hook-missing 101");
        assert_string_equal(s->last_text,
                            "the container has a policy, but 101.conf has no hookscript line for it");
        end_stage(s);
}

static void snapshot_with_another_gpu(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\ngpu = pci:0000:c1:00.0\n");
        shell("printf '\\n[before]\\ndev0: /dev/dri/card0\\n\\n[good]\\ndev0: /dev/dri/card1\\n\\n"
              "[nobody]\\nlxc.mount.entry: /dev/dri/card9 dev/dri/card9 none bind,create=file\\n' "
              ">>%s/etc/pve/lxc/101.conf",
              s->root);
        assert_string_equal(look(s), "snapshot-stale 101\nsnapshot-stale 101");
        assert_string_equal(look(s), "");
        end_stage(s);
}

static void running_container_holds_the_wrong_gpu(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        write_file(s->root, "/run/gpuanchor/101",
                   "[given]\nnode = /dev/dri/card1 226:1 0000:c1:00.0\n"
                   "node = /dev/kfd 235:0 -\n");
        assert_string_equal(look(s), "");
        write_file(s->root, "/run/gpuanchor/101",
                   "[given]\nnode = /dev/dri/card1 226:0 0000:c1:00.0\n"
                   "node = /dev/dri/renderD129 226:129 0000:c1:00.0\n");
        assert_string_equal(look(s), "container-wrong-gpu 101\ncontainer-wrong-gpu 101");
        assert_string_equal(s->last_text, "the running container has /dev/dri/renderD129 "
                                          "(226:129 of GPU 0000:c1:00.0), which is no device now");
        shell("rm %s/run/gpuanchor/101", s->root);
        assert_string_equal(look(s), "-container-wrong-gpu 101\n-container-wrong-gpu 101");
        end_stage(s);
}

static void groups_nodes_and_delegations(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("sed -i s/render:x:110/render:x:993/ %s/etc/group", s->root);
        assert_string_equal(look(s), "node-group-wrong 0\nnode-group-wrong 0\ngroup-changed 0");
        shell("chgrp 993 %s/dev/dri/renderD128 %s/dev/kfd", s->root, s->root);
        assert_string_equal(look(s), "subgid-missing 101\ncontainer-stale 101\n"
                                     "-node-group-wrong 0\n-node-group-wrong 0");
        shell("echo root:993:1 >>%s/etc/subgid", s->root);
        assert_string_equal(look(s), "-subgid-missing 101");
        shell("chmod 0600 %s/dev/dri/renderD128", s->root);
        assert_string_equal(look(s), "node-mode-changed 0");
        shell("rm %s/dev/dri/renderD128 && touch %s/dev/dri/renderD128", s->root, s->root);
        assert_non_null(strstr(look(s), "node-fake 0"));
        shell("rm %s/dev/dri/renderD128", s->root);
        assert_non_null(strstr(look(s), "node-absent 0"));
        end_stage(s);
}

static void policies_that_choose_nothing(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\ngpu = pci:0000:ff:00.0\n");
        assert_non_null(strstr(look(s), "gpu-missing 101"));
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\ngpu = nonsense\n");
        assert_non_null(strstr(look(s), "policy-broken 101"));
        write_file(s->root, "/etc/pve/gpuanchor/101.conf", "[container]\ngpu = pci:0000:c1:00.0\n");
        assert_non_null(strstr(look(s), "-policy-broken 101"));
        end_stage(s);
}

static void gone_gpu_is_forgotten_by_a_reload(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("rm -rf %s/sys/class/drm/*card0* %s/sys/bus/pci/devices/0000:00:02.0", s->root,
              s->root);
        assert_string_equal(look(s), "gpu-gone 0");
        assert_string_equal(look(s), "");
        s->told.len = 0;
        assert_int_equal(manager_reload(s->m, s->now), 0);
        assert_string_equal(strbuf_str(&s->told), "-gpu-gone 0");
        assert_string_equal(look(s), "");
        end_stage(s);
}

/* The usual case: the host was off, and comes back with other numbers. */
static void renumbered_across_a_reboot(void **state) {
        struct stage *s = new_stage("guide"), *after = new_stage("guide-moved");

        look(s);
        shell("mkdir -p %s%s && cp %s%s/state %s%s/state", after->root, WATCH_STATE_FOLDER, s->root,
              WATCH_STATE_FOLDER, after->root, WATCH_STATE_FOLDER);
        open_manager(after);
        assert_non_null(strstr(look(after), "gpu-renumbered 0"));
        assert_null(strstr(strbuf_str(&after->told), "baseline-new"));
        assert_string_equal(look(after), "");
        end_stage(s);
        end_stage(after);
}

static void damaged_state_is_replaced(void **state) {
        struct stage *s = new_stage("guide");
        char path[PATH_MAX + 64];

        look(s);
        snprintf(path, sizeof(path), "%s" WATCH_STATE_FOLDER "/state", s->root);
        assert_int_equal(truncate(path, 60), 0);
        open_manager(s);
        assert_string_equal(look(s), "baseline-new 0");
        assert_non_null(strstr(s->last_text, "cannot be read"));
        open_manager(s);
        assert_string_equal(look(s), "");
        shell("head -c 100000 /dev/urandom >%s", path);
        open_manager(s);
        assert_string_equal(look(s), "baseline-new 0");
        end_stage(s);
}

static void without_pve_nothing_is_resolved(void **state) {
        struct stage *s = new_stage("guide");

        shell("chmod -x %s/var/lib/vz/snippets/gpuanchor-hook", s->root);
        look(s);
        shell("mv %s/etc/pve %s/etc/pve.away && mkdir %s/etc/pve", s->root, s->root, s->root);
        s->told.len = 0;
        s->now += SECOND;
        assert_int_equal(manager_check(s->m, s->now), 0);
        assert_int_equal(s->told.len, 0); /* a restart of pmxcfs is no news */
        assert_string_equal(look(s), "pve-not-mounted 0");
        open_manager(s);
        assert_string_equal(look(s), "");
        shell("rmdir %s/etc/pve && mv %s/etc/pve.away %s/etc/pve", s->root, s->root, s->root);
        assert_string_equal(look(s), "-pve-not-mounted 0");
        end_stage(s);
}

static void state_that_cannot_be_written(void **state) {
        struct stage *s = new_stage("guide");

        shell("mkdir -p %s/var/lib && touch %s" WATCH_STATE_FOLDER, s->root, s->root);
        assert_string_equal(look(s), "baseline-new 0\nstate-failed 0");
        assert_string_equal(look(s), ""); /* it is known to this process all the same */
        shell("rm %s" WATCH_STATE_FOLDER, s->root);
        look(s);
        open_manager(s);
        assert_string_equal(look(s), "");
        end_stage(s);
}

static void wrong_settings_are_told(void **state) {
        struct stage *s = new_stage("guide");

        look(s);
        shell("mkdir -p %s/etc/gpuanchor", s->root);
        write_file(s->root, "/etc/gpuanchor/gpuanchor.conf",
                   "[daemon]\ninterval = 60 ; one minute\nquiet = 99\nloud = "
                   "yes\n[defaults]\nmethod = auto\n");
        assert_string_equal(look(s), "policy-key 0\npolicy-key 0");
        assert_string_equal(s->last_text,
                            "/etc/gpuanchor/gpuanchor.conf:4: unknown key loud in [daemon]; "
                            "accepted: interval, quiet, messages-per-minute");
        end_stage(s);
}

static void thousand_policies_are_one_summary(void **state) {
        struct stage *s = new_stage("guide");
        unsigned lines = 1;

        look(s);
        for (unsigned vmid = 200; vmid < 1200; vmid++) {
                char path[64];

                snprintf(path, sizeof(path), "/etc/pve/gpuanchor/%u.conf", vmid);
                write_file(s->root, path, "[container]\ngpu = pci:0000:ff:00.0\n");
                snprintf(path, sizeof(path), "/etc/pve/lxc/%u.conf", vmid);
                write_file(s->root, path,
                           "hookscript: local:snippets/gpuanchor-hook\nunprivileged: 1\n");
        }
        for (const char *c = look(s); *c; c++)
                lines += *c == '\n';
        assert_int_equal(lines, 31);
        assert_string_equal(s->last_text,
                            "970 more findings within a minute were not logged one by one");
        assert_string_equal(look(s), "");
        end_stage(s);
}

/* Container files come and go while they are read; nothing but "gone" may come of it. */
static void files_vanish_while_read(void **state) {
        struct stage *s = new_stage("guide");
        pid_t child;

        look(s);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                char command[4 * PATH_MAX];

                snprintf(command, sizeof(command),
                         "cd %s/etc/pve/lxc && end=$(($(date +%%s) + 3)) && while [ $(date +%%s) "
                         "-lt $end ]; do "
                         "for i in 300 301 302 303; do cp 101.conf $i.conf; done; rm -f 30?.conf; "
                         "done",
                         s->root);
                execl("/bin/sh", "sh", "-c", command, (char *)NULL);
                _exit(127);
        }
        for (time_t end = time(NULL) + 3; time(NULL) < end;) {
                s->told.len = 0;
                assert_int_equal(manager_check(s->m, s->now += 100 * SECOND), 0);
                if (s->told.len) {
                        assert_null(strstr(strbuf_str(&s->told), "read-failed"));
                        assert_null(strstr(strbuf_str(&s->told), "guest-none"));
                }
        }
        shell("while kill -0 %d 2>/dev/null && [ ! -e /proc/%d/stat -o \"$(cut -d' ' -f3 "
              "/proc/%d/stat)\" != Z ]; "
              "do sleep 0.1; done",
              child, child, child);
        end_stage(s);
}

static size_t count_fds(void) {
        DIR *dir = opendir("/proc/self/fd");
        size_t n = 0;

        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}

static long resident_pages(void) {
        long size, resident = 0;
        FILE *f = fopen("/proc/self/statm", "r");

        assert_non_null(f);
        assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
        fclose(f);
        return resident;
}

static void ten_thousand_looks_leak_nothing(void **state) {
        struct stage *s = new_stage("guide");
        unsigned n = SANITIZED ? 2000 : 10000;
        size_t fds;
        long pages;

        for (int i = 0; i < 200; i++)
                look(s);
        fds = count_fds();
        pages = resident_pages();
        for (unsigned i = 0; i < n; i++) {
                /* something is new and something resolved in each look, too */
                if (i % 10 == 0)
                        write_file(s->root, "/run/gpuanchor/101",
                                   i % 20 ? "[given]\n"
                                          : "[given]\nnode = /dev/dri/card1 226:0 0000:c1:00.0\n");
                look(s);
        }
        assert_int_equal(count_fds(), fds);
        if (!SANITIZED)
                assert_true(resident_pages() - pages <= 16);
        end_stage(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(first_look_then_silence),
                cmocka_unit_test(stale_lines_and_what_becomes_of_them),
                cmocka_unit_test(moved_away_is_not_resolved),
                cmocka_unit_test(missing_dev_path_is_a_warning),
                cmocka_unit_test(node_leaves_those_that_run),
                cmocka_unit_test(hook_is_missing),
                cmocka_unit_test(snapshot_with_another_gpu),
                cmocka_unit_test(running_container_holds_the_wrong_gpu),
                cmocka_unit_test(groups_nodes_and_delegations),
                cmocka_unit_test(policies_that_choose_nothing),
                cmocka_unit_test(gone_gpu_is_forgotten_by_a_reload),
                cmocka_unit_test(renumbered_across_a_reboot),
                cmocka_unit_test(damaged_state_is_replaced),
                cmocka_unit_test(without_pve_nothing_is_resolved),
                cmocka_unit_test(state_that_cannot_be_written),
                cmocka_unit_test(wrong_settings_are_told),
                cmocka_unit_test(thousand_policies_are_one_summary),
                cmocka_unit_test(files_vanish_while_read),
                cmocka_unit_test(ten_thousand_looks_leak_nothing),
        };

        return cmocka_run_group_tests(tests, set_up_stages, tear_down_stages);
}
