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
#include "model/conf/survey.h"
#include "model/finding/finding.h"
#include "model/report/mask-file.h"
#include "sample-host.h"

#include <glob.h>
#include <strings.h>

static const char *str(struct mask *m, struct bytes b) {
        return arena_strndup(m->arena, b.data, b.len);
}

static struct arena words;

/* The words of all tables are sorted once. */
static struct mask opened(struct arena *a) {
        static struct mask m;

        if (!m.arena)
                m = mask_open(&words);
        (void)mask_shows(&m, BYTES("x"));
        return (struct mask){ .arena = a, .words = m.words, .n_words = m.n_words, .sorted = true };
}

struct pair {
        const char *in, *out;
};

static void check(const struct pair *pairs, size_t n,
                  struct bytes (*mask)(struct mask *m, struct bytes text)) {
        for (size_t i = 0; i < n; i++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct mask m = opened(&a);
                const char *once;

                (void)mask_of(&m, BYTES("pve1"));
                once = str(&m, mask(&m, bytes_of(pairs[i].in)));
                assert_string_equal(once, pairs[i].out);
                assert_string_equal(str(&m, mask(&m, bytes_of(once))), once);
        }
}

/* Nothing recognizes an address or a password: they are no words of the tables. */
static void test_masked(void **state) {
        static const struct pair pairs[] = {
                { "hwaddr=BC:24:11:06:18:78,joe", "hwaddr=masked_2,masked_3" },
                { "192.168.1.212/24 and 192.168.1.1, 192.168.1.212.",
                  "masked_2/24 and masked_3, masked_2." },
                { "http://10.0.0.7:11434/", "masked_2://masked_3:11434/" },
                { "ip6=fe80::be24:11ff:fe06:1878/64", "ip6=masked_2/64" },
                { "[2a02:8109::1]:8006", "[masked_2]:8006" },
                { "2a02:8109:0:0:0:0:0:1", "masked_2" },
                { "fe80::1%eth0: no route", "masked_2: no masked_3" },
                { "node pve1, PVE1.home; pve10", "node masked_1, masked_2; masked_3" },
                { "API_TOKEN=1234 joe", "masked_2=masked_3 masked_4" },
                { "username=1,credentials=/root/.smb,ro", "masked_2=masked_3,masked_4=/masked_5,ro" },
                { "PASS=\"a b\",gid=44", "masked_2=\"masked_3\",gid=44" },
                { "password: \"hunter2\"", "masked_2: \"masked_3\"" },
                { "Authorization: Bearer abc.def", "masked_2: masked_3 masked_4" },
                { "https://joe:pw@example.org/joe", "masked_2://masked_3:masked_4/masked_3" },
                { "//nas/films /home/joe", "/masked_2 /masked_3" },
                { "/dev/disk/by-id/ata-SN1", "/dev/disk/by-id/masked_2" },
                { "/etc/pve/nodes/pve1/lxc/101.conf:12:", "/etc/pve/nodes/masked_1/lxc/101.conf:12:" },
                { "host-10-0-0-7 node12", "masked_2 masked_3" },
        };

        check(pairs, ELEMENTS(pairs), mask_text);
}

/* What a report is about. */
static void test_shown(void **state) {
        static const char *const texts[] = {
                "0000:05:00.0 10000:e1:00.0 0000:01:00 02:00",
                "pci:0000:c1:00.0 pci-0000:c1:00.0-render pci0000:c0/08.1/00.0",
                "1002:150e 8086:4680 id:1002:150e#2",
                "c 226:128 rwm 226:8:8 c 226:* rwm",
                "/dev/dri/renderD128 /dev/nvidia0 /dev/kfd /dev/dri/by-path/pci-0000:c1:00.0-card",
                "root:100000:65536 root:44:1",
                "lxc.idmap: g 44 44 1",
                "gpu = auto, missing = wait:30",
                "OLLAMA_VULKAN=1 HSA_OVERRIDE_GFX_VERSION=11.0.3",
                "features: nesting=1,keyctl=1",
                "none bind,optional,create=file 0 0",
                "local-lvm:vm-101-disk-0,size=8G local:snippets/gpuanchor-hook local:101/vm-101-disk-0.raw",
                "/var/lib/lxc/101/config /usr/libexec/gpuanchor/gpuanchor-hook",
                "masked_1 /masked_2 masked_3=masked_4",
        };

        for (size_t i = 0; i < ELEMENTS(texts); i++) {
                const struct pair same = { texts[i], texts[i] };

                check(&same, 1, mask_text);
        }
}

/* Every sentence of the tables comes through: the places are what is masked. */
static void test_sentences(void **state) {
        _cleanup_arena_ struct arena a = { 0 };
        struct mask m = opened(&a);

        for (size_t i = 0; i < FINDING_CODES; i++) {
                const char *text = finding_kinds[i].text;

                assert_string_equal(str(&m, mask_text(&m, bytes_of(text))), text);
        }
}

static void test_conf(void **state) {
        static const struct pair pairs[] = {
                { "# my notes\r\nhostname: nas\r\n", "#masked\r\nhostname: masked_2\r\n" },
                { "tags: a;b;a\ntags:  \n", "tags: masked_2;masked_3;masked_2\ntags:  \n" },
                { "hostname: gpu\nlock: backup\n", "hostname: masked_2\nlock: backup\n" },
                { "rootfs: tank:subvol-101-disk-0,size=8G", "rootfs: masked_2:subvol-101-disk-0,size=8G" },
                { "mp0: /srv/joe,mp=/home/joe,ro=1", "mp0: /masked_2,mp=/masked_3,ro=1" },
                { "mp0: /dev/dri,mp=/dev/dri,key=1", "mp0: /dev/dri,mp=/dev/dri,key=masked_2" },
                { "mp1: tank:vm-joe-disk-0,mp=/x", "mp1: masked_2:masked_3,mp=/masked_4" },
                { "hookscript: local:snippets/joe.sh", "hookscript: local:snippets/masked_2" },
                { "net0: name=eth0,bridge=joe,tag=7,ip=dhcp", "net0: name=eth0,bridge=masked_2,tag=7,ip=dhcp" },
                { "net0: name=eth0,gw=10.0.0.1,hwaddr=BC:24:11:06:18:78,ip=10.0.0.7/23\n",
                  "net0: name=eth0,gw=masked_2,hwaddr=masked_3,ip=masked_4/23\n" },
                { "parent: a\n[a]\nhostname: b\n[pve:pending]\n",
                  "parent: masked_2\n[masked_2]\nhostname: masked_3\n[pve:pending]\n" },
                { "lxc.environment: TOKEN=12", "lxc.environment: masked_2=masked_3" },
                { "lxc.environment: OLLAMA_VULKAN=1", "lxc.environment: OLLAMA_VULKAN=1" },
                { "lxc.uts.name = nas\nlxc.rootfs.path = /x\n", "lxc.uts.name = masked_2\nmasked_3\n" },
                { "lxc.mount.entry: /srv/joe srv/joe none bind", "lxc.mount.entry: /masked_2 masked_3/masked_4 none bind" },
                { "lxc.mount.entry: //nas/x mnt/joe cifs username=12,ro 0 0",
                  "lxc.mount.entry: /masked_2 masked_3/masked_4 cifs masked_5=masked_6,ro 0 0" },
                { "lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir 0 0 # the kernel's",
                  "lxc.mount.entry: /dev/dri dev/dri none bind,optional,create=dir 0 0 #masked" },
                { "dev0: /dev/serial/by-id/usb-SN1,gid=20", "dev0: /dev/serial/by-id/masked_2,gid=20" },
                { "dev0: /dev/ttyUSB0,gid=20,mode=0660", "dev0: /dev/ttyUSB0,gid=20,mode=0660" },
                { "dev0: /dev/dri/card0,gid=44,pin=1234", "dev0: /dev/dri/card0,gid=44,pin=masked_2" },
                { "unheard-of: 12\nnonsense\n\n", "masked_2\nmasked_3\n\n" },
                { "timezone: Europe/Berlin\ndescription: gpu\n", "masked_2\nmasked_3\n" },
                { "entrypoint: /bin/x --pin 1234", "entrypoint: /masked_2" },
                { "lxc.prlimit.nofile: 1024\nlxc.prlimit.joe: 5\nlxc.cgroup2.memory.max: 8G\n",
                  "lxc.prlimit.nofile: 1024\nmasked_2\nlxc.cgroup2.memory.max: 8G\n" },
                { "lxc.init.cmd: /bin/x --pin 1234", "masked_2" },
        };

        check(pairs, ELEMENTS(pairs), mask_conf);
}

static void test_settings(void **state) {
        static const struct pair pairs[] = {
                { "# joe\n[pin pve1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0 by=pci:0000:c1:00.0\n",
                  "#masked\n[pin masked_1]\ngpu = 0000:c1:00.0 1002:150e 1f66:0031 pci0000:c0/08.1/00.0 by=pci:0000:c1:00.0\n" },
                { "[container]\nguest-users = ollama, joe\n", "[container]\nguest-users = ollama, masked_2\n" },
                { "guest-environment = OLLAMA_VULKAN=1 PASS=zz", "guest-environment = OLLAMA_VULKAN=1 masked_2=masked_3" },
                { "next-hook = /root/joe.sh", "next-hook = /masked_2" },
                { "[memory]\nmac = BC:24:11:06:18:78\nhostname = media\nrootfs = tank:vm-101-disk-0\n",
                  "[memory]\nmac = masked_2\nhostname = masked_3\nrootfs = masked_4:vm-101-disk-0\n" },
                { "line = dev0: /dev/dri/card0,gid=44", "line = dev0: /dev/dri/card0,gid=44" },
                { "behind = 12 description: gpu", "behind = 12 masked_2" },
                { "behind = 12 net0: name=eth0", "behind = 12 net0: name=eth0" },
                { "joe = 1\njoe\n", "masked_2\nmasked_3\n" },
        };

        check(pairs, ELEMENTS(pairs), mask_settings);
}

static void test_proxmox(void **state) {
        static const struct pair mapping[] = {
                { "joe\n\tdescription the gpu\n\tmap id=8086:4680,node=pve1,path=0000:00:02.0\n",
                  "masked_2\n\tmasked_3\n\tmap id=8086:4680,node=masked_1,path=0000:00:02.0\n" },
        };
        static const struct pair vm[] = {
                { "name: joe\nhostpci0: 0000:01:00,pcie=1,romfile=1.rom\nnet0: x\n[a]\nhostpci1: 02:00\n",
                  "hostpci0: 0000:01:00,pcie=1,masked_2=masked_3\n" },
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

/* Lines with something that no parser knows, or that names no device. */
static bool is_odd(struct bytes line) {
        static const char *const odd[] = { "zanzibar", "#", "frobnicate", "overlay", "=/host", "dev/sdz",
                                           "create=fi>", "/dev/dri/gpu0", "6542x" };

        for (size_t i = 0; i < ELEMENTS(odd); i++)
                if (holds(line, odd[i]))
                        return true;
        return false;
}

/* Every line of @a that gives a device or maps ids is the same in @b, whatever section it is in. */
static void assert_gpu_lines(struct arena *arena, struct bytes a, struct bytes b) {
        while (a.len > 0) {
                struct bytes x = bytes_cut(&a, '\n'), y = bytes_cut(&b, '\n');
                struct pctconf c;
                struct devline d;

                pctconf_parse(arena, PCTCONF_PVE, x, &c);
                if (c.n_lines < 2 || is_odd(x))
                        continue;
                d = recognise_line(arena, NULL, &c.lines[1]);
                if (d.type != DEVLINE_NONE && d.type != DEVLINE_MENTION && !bytes_equal(x, y))
                        fail_msg("%s -> %s", bytes_dup(arena, x), bytes_dup(arena, y));
        }
}

static void check_file(struct bytes conf) {
        _cleanup_arena_ struct arena a = { 0 };
        struct mask m = opened(&a);
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
        static const char alphabet[] = "0123456789abcdef::..//--==,; \n\r\t[]#\"'@KEYpass_masked_\xff";
        uint32_t seed = 1;

        for (int round = 0; round < 4000; round++) {
                _cleanup_arena_ struct arena a = { 0 };
                struct mask m = opened(&a);
                char text[64];
                struct bytes in = { text, 0 }, once;

                for (in.len = 0; in.len < sizeof(text); in.len++) {
                        seed = seed * 1664525 + 1013904223;
                        text[in.len] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
                }
                (void)mask_conf(&m, in);
                once = mask_conf(&m, in);
                assert_true(count_lines(once) == count_lines(in));
                assert_true(bytes_equal(mask_conf(&m, once), once));
                (void)mask_text(&m, in);
                once = mask_text(&m, in);
                assert_true(count_lines(once) == count_lines(in));
                if (!bytes_equal(mask_text(&m, once), once))
                        fail_msg("\"%s\"\n\"%s\"\n\"%s\"", str(&m, in), str(&m, once), str(&m, mask_text(&m, once)));
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
                cmocka_unit_test(test_masked),            cmocka_unit_test(test_shown),
                cmocka_unit_test(test_sentences), cmocka_unit_test(test_conf),
                cmocka_unit_test(test_settings),          cmocka_unit_test(test_proxmox),
                cmocka_unit_test(test_all_files),         cmocka_unit_test(test_rubbish),
                cmocka_unit_test(test_names_gpu),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
