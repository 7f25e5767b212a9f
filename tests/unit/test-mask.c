/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-mask - what a report tells, and what it must not
 *
 * Beside the cases, properties over every container file of the scenarios, among them
 * those that people published, with secrets planted into them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/file.h"
#include "model/conf/recognise.h"
#include "model/report/mask-conf.h"
#include "model/report/mask-settings.h"
#include "sample-host.h"

#include <glob.h>
#include <strings.h>

static const char *str(struct mask *m, struct bytes b) {
        return arena_strndup(m->arena, b.data, b.len);
}

struct pair {
        const char *in, *out;
};

static void check(const struct pair *pairs, size_t n,
                  struct bytes (*mask)(struct mask *m, struct bytes text)) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct mask m = { .arena = &a };
                const char *once;

                (void)mask_of(&m, MASK_NAME, bytes_of("pve1"));
                once = str(&m, mask(&m, bytes_of(pairs[i].in)));
                assert_string_equal(once, pairs[i].out);
                assert_string_equal(str(&m, mask(&m, bytes_of(once))), once);
        }
}

static void test_addresses(void **state) {
        static const struct pair pairs[] = {
                { "hwaddr=BC:24:11:06:18:78,x", "hwaddr=02:00:00:00:00:01,x" },
                { "bc-24-11-06-18-78", "02:00:00:00:00:01" },
                { "192.168.1.212/24 and 192.168.1.1, 192.168.1.212.",
                  "240.0.0.1/24 and 240.0.0.2, 240.0.0.1." },
                { "http://10.0.0.7:11434/", "http://240.0.0.1:11434/" },
                { "ip6=fe80::be24:11ff:fe06:1878/64", "ip6=2001:db8::1/64" },
                { "[2a02:8109::1]:8006", "[2001:db8::1]:8006" },
                { "2a02:8109:0:0:0:0:0:1", "2001:db8::1" },
                { "::ffff:10.0.0.7", "::ffff:240.0.0.1" },
                { "fe80::1: no route, fe80::1%eth0", "2001:db8::1: no route, 2001:db8::1%eth0" },
                { "ip=10.0.0.1", "ip=240.0.0.1" },
        };

        check(pairs, ELEMENTS(pairs), mask_text);
        check(pairs, ELEMENTS(pairs), mask_addresses);
}

/* What looks a little like an address, and must come through. */
static void test_devices(void **state) {
        static const char *const texts[] = {
                "0000:05:00.0",
                "pci:0000:c1:00.0 10000:e1:00.0 pci-0000:c1:00.0-render",
                "1002:150e 8086:4680 id:1002:150e#2",
                "c 226:128 rwm 226:8:8",
                "root:100000:65536 root::1 std::a1",
                "lxc.idmap: g 44 44 1",
                "12:34:56 2024-11-06T15:04:05",
                "6.8.12-4-pve 252.39-1~deb12u1 1.2.3.4.5",
                "127.0.0.1 0.0.0.0 ::1 255.255.255.0",
                "fb000000.gpu 1002000000.v3d 1-2:1.0",
                "BC:24:11:06:18 BC:24:11:06:18:78:90 xBC:24:11:06:18:78",
                "features: nesting=1,keyctl=1",
                "KEY = VALUE, the key: value of a policy; passed: 3, GPU Passthrough: yes",
                "masked-name-1 masked-secret-2 /masked-path-3",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                const struct pair same = { texts[i], texts[i] };

                check(&same, 1, mask_text);
        }
}

static void test_names_and_secrets(void **state) {
        static const struct pair pairs[] = {
                { "node pve1, PVE1.home; pve10", "node masked-name-1, masked-name-1.home; pve10" },
                { "API_TOKEN=abc123 x", "API_TOKEN=masked-secret-1 x" },
                { "password: \"hunter2\"", "password: \"masked-secret-1\"" },
                { "Authorization: Bearer abc.def", "Authorization: Bearer masked-secret-1" },
                { "{\"apiKey\":\"k\"}", "{\"apiKey\":\"masked-secret-1\"}" },
                { "DB_PASS=a KEY=a", "DB_PASS=masked-secret-1 KEY=masked-secret-1" },
                { "https://joe:pw@example.org/x", "https://masked-secret-1@example.org/x" },
        };

        check(pairs, ELEMENTS(pairs), mask_text);
}

static void test_conf(void **state) {
        static const struct pair pairs[] = {
                { "# my notes\r\nhostname: nas\r\n", "#masked\r\nhostname: masked-name-2\r\n" },
                { "tags: a;b;a\ntags:  \n",
                  "tags: masked-name-2;masked-name-3;masked-name-2\ntags:  \n" },
                { "rootfs: tank:subvol-101-disk-0,size=8G", "rootfs: masked-name-2:subvol-101-disk-0,size=8G" },
                { "rootfs: local:101/vm-101-disk-0.raw", "rootfs: local:101/vm-101-disk-0.raw" },
                { "mp0: /srv/joe,mp=/home/joe,ro=1", "mp0: /masked-path-1,mp=/masked-path-2,ro=1" },
                { "mp0: /dev/dri,mp=/dev/dri", "mp0: /dev/dri,mp=/dev/dri" },
                { "mp1: tank:vm-joe-disk-0,mp=/x", "mp1: masked-name-2:masked-value-1,mp=/masked-path-1" },
                { "hookscript: local:snippets/joe.sh", "hookscript: local:snippets/masked-name-2" },
                { "hookscript: local:snippets/gpuanchor-hook", "hookscript: local:snippets/gpuanchor-hook" },
                { "net0: name=eth0,bridge=joe,tag=7,ip=dhcp", "net0: name=eth0,bridge=masked-name-2,tag=7,ip=dhcp" },
                { "parent: a\n[a]\nhostname: b\n[pve:pending]\n",
                  "parent: masked-name-2\n[masked-name-2]\nhostname: masked-name-3\n[pve:pending]\n" },
                { "lxc.environment: TOKEN=x", "lxc.environment: TOKEN=masked-value-1" },
                { "lxc.uts.name = nas\nlxc.rootfs.path = /x\n", "lxc.uts.name = masked-name-2\nlxc.rootfs.path = masked-value-1\n" },
                { "lxc.mount.entry: /srv/joe srv/joe none bind", "lxc.mount.entry: /masked-path-1 masked-path-1 none bind" },
                { "lxc.mount.entry: /dev/dri dev/dri none bind 0 0 # pve1",
                  "lxc.mount.entry: /dev/dri dev/dri none bind 0 0 # masked-name-1" },
                { "dev0: /dev/serial/by-id/usb-SN1,gid=20", "dev0: /masked-path-1,gid=20" },
                { "dev0: /dev/ttyUSB0,gid=20,mode=0660", "dev0: /dev/ttyUSB0,gid=20,mode=0660" },
                { "unheard-of: joe\nnonsense\n\n", "masked-value-1\nmasked-value-2\n\n" },
                { "timezone: Europe/Berlin", "timezone: masked-value-1" },
        };

        check(pairs, ELEMENTS(pairs), mask_conf);
}

static void test_settings(void **state) {
        static const struct pair pairs[] = {
                { "# joe\n[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031\n",
                  "#masked\n[pin masked-name-1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031\n" },
                { "[container]\nguest-users = ollama, joe\n", "[container]\nguest-users = ollama, masked-name-2\n" },
                { "guest-environment = OLLAMA_VULKAN=1 KEY=zz", "guest-environment = OLLAMA_VULKAN=1 KEY=masked-value-1" },
                { "next-hook = /root/joe.sh", "next-hook = /masked-path-1" },
                { "line = dev0: /dev/dri/card0,gid=44", "line = dev0: /dev/dri/card0,gid=44" },
                { "joe = 1", "joe = masked-value-1" },
        };

        check(pairs, ELEMENTS(pairs), mask_settings);
}

static void test_proxmox(void **state) {
        static const struct pair mapping[] = {
                { "igpu\n\tdescription joe\n\tmap id=8086:4680,node=pve1,path=0000:00:02.0\n",
                  "igpu\n\tdescription masked-value-1\n\tmap id=8086:4680,node=masked-name-1,path=0000:00:02.0\n" },
        };
        static const struct pair vm[] = {
                { "name: joe\nhostpci0: 0000:01:00,pcie=1,romfile=joe.rom\nnet0: x\n[a]\nhostpci1: 02:00\n",
                  "hostpci0: 0000:01:00,pcie=1,romfile=masked-value-1\n" },
        };

        check(mapping, ELEMENTS(mapping), mask_sections);
        check(vm, ELEMENTS(vm), mask_hostpci);
}

/* ---- over all container files ---- */

static const char *const secrets[] = {
        "zanzibar-host", "quetzal", "198.51.100.77",  "fe80::dead:beef:77", "AA:BB:CC:DD:EE:77",
        "hunter2horse",  "/srv/quokka/films", "xylophone.example", "tapir-hook.sh", "okapi",
        "narwhal",       "kraken.lan", "ibexvol",
};
static const char planted[] =
        "# narwhal's container at 198.51.100.77, password hunter2horse\n"
        "hostname: zanzibar-host\n"
        "description: quetzal\n"
        "tags: okapi;zanzibar-host\n"
        "nameserver: 198.51.100.77 fe80::dead:beef:77\n"
        "searchdomain: kraken.lan xylophone.example\n"
        "net0: name=eth0,bridge=okapi,gw=198.51.100.77,gw6=fe80::dead:beef:77,hwaddr=AA:BB:CC:DD:EE:77,ip=198.51.100.77/24,type=veth\n"
        "mp7: /srv/quokka/films,mp=/srv/quokka/films\n"
        "mp8: ibexvol:vm-101-narwhal,mp=/media\n"
        "hookscript: local:snippets/tapir-hook.sh\n"
        "parent: quetzal\n"
        "lxc.environment: DB_PASSWORD=hunter2horse\n"
        "lxc.hook.pre-start: /srv/quokka/films\n"
        "lxc.mount.entry: /srv/quokka/films srv/quokka/films none bind,create=dir 0 0\n"
        "lxc.hook.post-stop: sh -c \"chgrp 104 /dev/dri/renderD128; ping 198.51.100.77\"\n"
        "lxc.cgroup2.devices.allow: c 226:128 rwm # for zanzibar-host\n"
        "narwhal\n"
        "[quetzal]\n"
        "#okapi\n"
        "hostname: zanzibar-host\n";

static bool holds(struct bytes text, const char *what) {
        size_t n = strlen(what);

        for (size_t i = 0; i + n <= text.len; i++)
                if (strncasecmp(text.data + i, what, n) == 0)
                        return true;
        return false;
}

static size_t count_lines(struct bytes t) {
        size_t n = 0;

        for (size_t i = 0; i < t.len; i++)
                n += t.data[i] == '\n';
        return n;
}

/* Every line of @a that gives a device or maps ids is the same in @b, whatever section it is in. */
static void assert_gpu_lines(struct arena *arena, struct bytes a, struct bytes b) {
        while (a.len > 0) {
                struct bytes x = bytes_cut(&a, '\n'), y = bytes_cut(&b, '\n');
                struct pctconf c;
                struct devline d;

                pctconf_parse(arena, PCTCONF_PVE, x, &c);
                if (c.n_lines < 2 || memmem(x.data, x.len, "zanzibar", 8))
                        continue;
                d = recognise_line(arena, NULL, &c.lines[1]);
                if (d.type != DEVLINE_NONE && d.type != DEVLINE_MENTION)
                        assert_memory_equal(x.data, y.data, x.len);
        }
}

static void check_file(struct bytes conf) {
        _cleanup_arena_ struct arena a = { 0 };
        struct mask m = { .arena = &a };
        struct strbuf b = { .arena = &a };
        struct bytes in, once, twice;
        const char *log;

        strbuf_add(&b, conf.data, conf.len);
        strbuf_adds(&b, conf.len > 0 && conf.data[conf.len - 1] != '\n' ? "\n" : "");
        strbuf_adds(&b, planted);
        in = strbuf_bytes(&b);
        (void)mask_conf(&m, in);
        once = mask_conf(&m, in);
        twice = mask_conf(&m, once);
        assert_true(bytes_equal(once, twice));
        assert_true(count_lines(in) == count_lines(once));
        assert_gpu_lines(&a, in, once);
        for (size_t i = 0; i < ELEMENTS(secrets); i++)
                assert_false(holds(once, secrets[i]));
        /* and in what a finding may say about them */
        log = "host zanzibar-host (198.51.100.77), snapshot quetzal, /srv/quokka/films, "
              "hook tapir-hook.sh, https://okapi:hunter2horse@kraken.lan ibexvol:x narwhal=1 "
              "DB_PASSWORD=hunter2horse hwaddr AA:BB:CC:DD:EE:77 fe80::dead:beef:77";
        once = mask_text(&m, bytes_of(log));
        for (size_t i = 0; i < ELEMENTS(secrets); i++)
                if (!strstr("narwhal", secrets[i])) /* in no setting, only in notes */
                        assert_false(holds(once, secrets[i]));
}

static void test_all_files(void **state) {
        const char *root = getenv("GPUANCHOR_SOURCE_ROOT");
        static const char *const patterns[] = { "scenarios/*/101.conf", "scenarios/*/expect/101.conf",
                                                "guide-101.conf" };
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(patterns); i++) {
                _cleanup_arena_ struct arena a = { 0 };
                glob_t g;

                assert_int_equal(glob(arena_printf(&a, "%s/tests/fixtures/%s", root ? root : ".",
                                                   patterns[i]),
                                      0, NULL, &g),
                                 0);
                for (size_t j = 0; j < g.gl_pathc; j++, n++) {
                        struct bytes conf;

                        assert_int_equal(file_read(&a, g.gl_pathv[j], 1 << 20, &conf), 0);
                        check_file(conf);
                }
                globfree(&g);
        }
        assert_true(n > 100);
}

/* No text of any bytes loses a line, and what was masked stays. */
static void test_rubbish(void **state) {
        static const char alphabet[] = "0123456789abcdef::..//--==,; \n\r\t[]#\"'@KEYpass_masked-\xff";
        uint32_t seed = 1;

        for (int round = 0; round < 4000; round++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct mask m = { .arena = &a };
                char text[64];
                struct bytes in = { text, 0 }, once;

                for (in.len = 0; in.len < sizeof(text); in.len++) {
                        seed = seed * 1664525 + 1013904223;
                        text[in.len] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
                }
                once = mask_conf(&m, in);
                assert_true(count_lines(once) == count_lines(in));
                assert_true(bytes_equal(mask_conf(&m, once), once));
                once = mask_text(&m, in);
                assert_true(count_lines(once) == count_lines(in));
                assert_true(bytes_equal(mask_text(&m, once), once));
        }
}

/* Which containers go into a report: those with lines for a GPU of this host, or any. */
static void test_names_gpu(void **state) {
        static const struct {
                const char *conf;
                bool gpu;
        } cases[] = {
                { "lxc.cgroup2.devices.allow: c 226:0 rwm\n", true },
                { "lxc.cgroup2.devices.allow: c 508:* rwm\n", true }, /* nvidia-uvm */
                { "lxc.cgroup2.devices.allow: c 240:0 rwm\n", false }, /* hid */
                { "lxc.cgroup2.devices.allow: c 10:200 rwm\n", false },
                { "lxc.cgroup2.devices.allow: a\n", true },
                { "arch: amd64\n\n[snap]\ndev0: /dev/dri/card7\n", true },
                { "mp0: /dev/dri,mp=/dev/dri\n", true },
                { "lxc.idmap: g 0 100000 65536\n", false },
        };

        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                _cleanup_arena_ struct arena a = { 0 };

                if (conf_names_gpu(&a, &sample_host, bytes_of(cases[i].conf)) != cases[i].gpu)
                        fail_msg("%s", cases[i].conf);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addresses),         cmocka_unit_test(test_devices),
                cmocka_unit_test(test_names_and_secrets), cmocka_unit_test(test_conf),
                cmocka_unit_test(test_settings),          cmocka_unit_test(test_proxmox),
                cmocka_unit_test(test_all_files),         cmocka_unit_test(test_rubbish),
                cmocka_unit_test(test_names_gpu),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
