/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * test-watcher-words - what the journal says of each kind of drift, word for word
 *
 * In each row something happens to a host. What stands there is what an operator
 * reads at night: what is so, of which container and GPU, and what to type next.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "watcher-stage.h"

#define GPU_SUBSYSTEMS " --subsystem-match=drm --subsystem-match=accel --subsystem-match=kfd"

/* After each step that is not NULL there is a look; the last one tells @line:
 * CODE PRIORITY gpu=GPUANCHOR_GPU old=GPUANCHOR_OLD new=GPUANCHOR_NEW: MESSAGE */
static const struct row {
        const char *first, *second, *third, *line;
} rows[] = {
        { NULL, "mv sys/bus/pci/devices/0000:00:02.0 sys/class/drm/card0 .", NULL,
          "gpu-gone 4 gpu=0000:00:02.0 old=0000:00:02.0 new=card0 (226:0): GPU 0000:00:02.0 "
          "(8086:a780 i915) is gone; it had card0 (226:0); check the card and its driver: dmesg, "
          "lspci -k; if it was taken out for good: systemctl reload gpuanchord" },
        { NULL, "mv sys/bus/pci/devices/0000:00:02.0 sys/class/drm/card0 .",
          "mv 0000:00:02.0 sys/bus/pci/devices/; mv card0 sys/class/drm/",
          "gpu-back 5 gpu=0000:00:02.0 old=card0 (226:0) new=card0 (226:0): GPU 0000:00:02.0 "
          "(8086:a780 i915) is back: card0 (226:0); containers that run follow within seconds "
          "(running = follow), others at their next start: gpuanchor status" },
        { "mv sys/bus/pci/devices/0000:00:02.0 sys/class/drm/card0 .",
          "mv 0000:00:02.0 sys/bus/pci/devices/; mv card0 sys/class/drm/", NULL,
          "gpu-new 5 gpu=0000:00:02.0 old= new=card0 (226:0): GPU 0000:00:02.0 (8086:a780 i915) is "
          "new on this host: card0 (226:0); nothing to do, unless a container shall have it: "
          "gpuanchor gpus" },
        { NULL,
          "cd sys/devices/pci0000:00; mv 0000:00:02.0 0000:00:03.0; cd ../../bus/pci/devices; rm "
          "0000:00:02.0; ln -s ../../../devices/pci0000:00/0000:00:03.0 .; cd ../../../class/drm; "
          "ln -sfn ../../devices/pci0000:00/0000:00:03.0/drm/card0 card0",
          NULL,
          "gpu-moved 5 gpu=0000:00:02.0 old=0000:00:02.0 new=0000:00:03.0: GPU 8086:a780 i915 "
          "moved from 0000:00:02.0 to 0000:00:03.0; every pin follows it, also that of a policy "
          "that says pci:0000:00:02.0; nothing to do" },
        { NULL,
          "mv dev/dri/card0 dev/dri/card7.old; mknod -m 660 dev/dri/card7 c 226 7; chgrp 44 "
          "dev/dri/card7; cd sys/devices/pci0000:00/0000:00:02.0/drm; mv card0 card7; chmod u+w "
          "card7/*; echo 226:7 >card7/dev; sed -i s/0/7/ card7/uevent; sed -i s/card0/card7/ "
          "card7/uevent; cd ../../../../class/drm; rm card0; ln -s "
          "../../devices/pci0000:00/0000:00:02.0/drm/card7 .",
          NULL,
          "gpu-renumbered 5 gpu=0000:00:02.0 old=card0 (226:0) new=card7 (226:7): GPU 0000:00:02.0 "
          "(8086:a780 i915) has other nodes now: card0 (226:0) -> card7 (226:7); managed "
          "containers follow, those that run within seconds (running = follow): gpuanchor status" },
        { NULL, "ln -sfn ../../../bus/pci/drivers/vfio-pci sys/bus/pci/devices/0000:00:02.0/driver",
          NULL,
          "gpu-driver-changed 5 gpu=0000:00:02.0 old=i915 new=vfio-pci: GPU 0000:00:02.0 has "
          "another driver now: i915 -> vfio-pci; with vfio-pci or none it has no nodes for "
          "containers; if nobody meant it: dmesg, lspci -k -s 0000:00:02.0" },
        { NULL, "sed -i s/render:x:110/render:x:993/ etc/group", NULL,
          "group-changed 5 gpu= old=gid 110 new=gid 993: host group render has gid 993 now (had "
          "gid 110); managed containers follow at their next start; nodes that exist keep the old "
          "number until: systemctl restart systemd-udevd && udevadm trigger "
          "--action=add" GPU_SUBSYSTEMS
          "; running containers that bind them lose them then, until they follow (running = follow) or "
          "pct reboot" },
        { NULL, "sed -i s/render:x:110/render:x:993/ etc/group", NULL,
          "node-group-wrong 4 gpu= old=110 new=993 (render): /dev/dri/renderD128 belongs to gid "
          "110, its group has gid 993 (render); when that is corrected, running containers that bind it "
          "lose it until they follow (running = follow) or pct reboot; systemctl restart systemd-udevd && udevadm trigger "
          "--action=add" GPU_SUBSYSTEMS },
        { NULL, "chmod 600 dev/dri/renderD128", NULL,
          "node-mode-changed 5 gpu=0000:c1:00.0 old=0660 new=0600: /dev/dri/renderD128 of GPU "
          "0000:c1:00.0 has mode 0600 now (was 0660); if nobody meant it: check the udev rules of "
          "the host, then udevadm trigger --action=add" GPU_SUBSYSTEMS },
        { NULL, "chgrp 0 dev/dri/renderD128", NULL,
          "node-group-root 4 gpu= old=0660 new=groupadd -r render, if the host has no such group; "
          "then systemctl restart systemd-udevd && udevadm trigger --action=add" GPU_SUBSYSTEMS
          ": /dev/dri/renderD128 belongs to group root and its mode is 0660; group root is never "
          "mapped into a container; groupadd -r render, if the host has no such group; then "
          "systemctl restart systemd-udevd && udevadm trigger --action=add" GPU_SUBSYSTEMS },
        { NULL, "rm dev/dri/renderD128", NULL,
          "node-absent 4 gpu= old= new=c 226 128: /dev/dri/renderD128 (c 226 128) is known to the "
          "kernel but not in /dev; mknod -m 660 /dev/dri/renderD128 c 226 128 && udevadm trigger "
          "--action=add" GPU_SUBSYSTEMS },
        { NULL, "rm dev/dri/renderD128; touch dev/dri/renderD128", NULL,
          "node-fake 3 gpu= old=not a character device new=c 226 128: /dev/dri/renderD128 is not "
          "the device node it is named after (not a character device); it is never given to a "
          "container; rm /dev/dri/renderD128 && mknod -m 660 /dev/dri/renderD128 c 226 128 && udevadm "
          "trigger --action=add" GPU_SUBSYSTEMS },
        { NULL, "sed -i /:110:/d etc/subgid", NULL,
          "subgid-missing 4 gpu= old= new=110: container 101: /etc/subgid does not let root map "
          "host gid 110 (render), which the container needs; added by itself at the next start, or now: "
          "usermod --add-subgids 110-110 root" },
        { NULL, "sed -i s/226:1' '/226:7' '/ etc/pve/lxc/101.conf", NULL,
          "container-stale 5 gpu= old= new=: container 101: 101.conf is out of date: 1 change: "
          "line 13: lxc.cgroup2.devices.allow: c 226:7 rwm -> c 226:1 rwm; gpuanchor apply 101 "
          "corrects it now, unless it is locked; so does the next start" },
        { NULL,
          "printf 'dev0: /dev/dri/renderD130,gid=110\\nhookscript: "
          "local:snippets/gpuanchor-hook\\nunprivileged: 1\\n' >etc/pve/lxc/102.conf; printf "
          "'[container]\\ngpu = pci:0000:c1:00.0\\n' >etc/pve/gpuanchor/102.conf",
          NULL,
          "container-no-start 4 gpu= old= new=: container 102: 102.conf: the next start fails: there is "
          "no /dev/dri/renderD130, and Proxmox ends it before any hook runs; a reboot inside "
          "ends with the container stopped; gpuanchor apply 102" },
        { NULL, "printf '[given]\\nnode = /dev/dri/card1 226:0 0000:c1:00.0\\n' >run/gpuanchor/101",
          NULL,
          "container-wrong-gpu 3 gpu=0000:c1:00.0 old=226:0 of GPU 0000:c1:00.0 new=/dev/dri/card0 "
          "of GPU 0000:00:02.0: container 101: the running container has /dev/dri/card1 "
          "(226:0 of GPU 0000:c1:00.0), which is /dev/dri/card0 of GPU 0000:00:02.0 now; restart "
          "it: pct reboot 101" },
        { NULL, "printf '[given]\\nnode = /dev/dri/card1 226:9 0000:c1:00.0\\n' >run/gpuanchor/101",
          NULL,
          "container-wrong-gpu 3 gpu=0000:c1:00.0 old=226:9 of GPU 0000:c1:00.0 new=no device: "
          "container 101: the running container has /dev/dri/card1 (226:9 of GPU "
          "0000:c1:00.0), which is no device now; restart it: pct reboot 101" },
        { NULL,
          "printf '[given]\\n' >run/gpuanchor/101; printf 'node /dev/dri/card1 226:0 660 0 44 -\\n"
          "node /dev/dri/card0 226:1 660 0 44 -\\nnode /dev/dri/renderD128 226:128 660 0 110 -\\n' "
          ">run/gpuanchor/101.held",
          NULL,
          "container-wrong-gpu 3 gpu= old=226:0 new=/dev/dri/card0 of GPU 0000:00:02.0: container "
          "101: the running container has /dev/dri/card1 (226:0), which is /dev/dri/card0 of GPU "
          "0000:00:02.0 now; restart it: pct reboot 101" },
        { NULL,
          "printf '[given]\\n' >run/gpuanchor/101; printf 'node /dev/dri/card1 226:1 660 0 44 -\\n"
          "node /dev/dri/renderD128 226:128 660 - - -\\n' >run/gpuanchor/101.held",
          NULL,
          "inside-unusable 4 gpu= old=660 - - new=226:128: container 101: /dev/dri/renderD128 "
          "(226:128) is in the running container, and nobody there can open it: mode, uid and gid "
          "are 660 - - (-: not in its id map); gpuanchor plan 101; pct reboot 101" },
        { NULL,
          "printf '[given]\\n' >run/gpuanchor/101; printf 'node /dev/dri/card1 226:1 660 0 44 -\\n' "
          ">run/gpuanchor/101.held",
          NULL,
          "inside-missing 4 gpu= old= new=226:128: container 101: /dev/dri/renderD128 (226:128) is "
          "not in the running container; gpuanchor plan 101; pct reboot 101" },
        { NULL, "rm var/lib/vz/snippets/gpuanchor-hook", NULL,
          "hook-unusable 3 gpu= old= new=: container 101: its hookscript "
          "local:snippets/gpuanchor-hook does not exist: the start will fail; gpuanchor enable 101; or "
          "to start without it: pct set 101 --delete hookscript" },
        { NULL,
          "printf '[container]\\n' >etc/pve/gpuanchor/101.conf; sed -i /hookscript/d "
          "etc/pve/lxc/101.conf",
          NULL,
          "hook-missing 4 gpu= old= new=: container 101: the container has a policy, but 101.conf "
          "has no hookscript line for it; without it no start is corrected: gpuanchor enable 101" },
        { NULL, "printf '\\n[before]\\ndev0: /dev/dri/card0\\n' >>etc/pve/lxc/101.conf", NULL,
          "snapshot-stale 5 gpu= old=dev0: /dev/dri/card0 new=: container 101: snapshot before of "
          "101.conf would bring back lines for another GPU or for none: dev0: /dev/dri/card0; "
          "corrected at the first start after a rollback; nothing to do" },
        { NULL, "printf '[container]\\ngpu = nonsense\\n' >etc/pve/gpuanchor/101.conf", NULL,
          "policy-broken 3 gpu= old= new=: container 101: /etc/pve/gpuanchor/101.conf:2: gpu = "
          "nonsense is not understood; accepted: auto, all, or some of pci:0000:c1:00.0, "
          "id:1002:150e, id:1002:150e#2, driver:NAME, mapping:NAME, platform:NAME; the container "
          "is left alone; correct the file: man gpuanchor.conf" },
        { NULL, "printf '[container]\\ngpu = pci:0000:ff:00.0\\n' >etc/pve/gpuanchor/101.conf",
          NULL,
          "gpu-missing 4 gpu=0000:ff:00.0 old= new=SELECTOR: container 101: GPU 0000:ff:00.0 (chosen by "
          "the policy) is not on this host; gpuanchor gpus shows what is here; gpuanchor enable "
          "101 --gpu SELECTOR chooses another" },
        { NULL, "printf '[container]\\ngpu = mapping:none\\n' >etc/pve/gpuanchor/101.conf", NULL,
          "mapping-broken 4 gpu= old=no such mapping in /etc/pve/mapping/pci.cfg new=: container "
          "101: mapping none: no such mapping in /etc/pve/mapping/pci.cfg; correct the mapping in "
          "Datacenter > Resource Mappings, or: gpuanchor enable 101 --gpu pci:ADDRESS" },
        { NULL,
          "printf '[container]\\ngpu = pci:0000:c1:00.0\\nmethode = dev\\n' "
          ">etc/pve/gpuanchor/101.conf",
          NULL,
          "policy-key 4 gpu= old= new=: container 101: /etc/pve/gpuanchor/101.conf:3: unknown key "
          "methode; did you mean method?; correct the line; the rest of the file counts" },
        { NULL, "printf 'lxc.idmap: g 44 45 1\\n' >>etc/pve/lxc/101.conf", NULL,
          "idmap-broken 3 gpu= old= new=: container 101: id map cannot be changed safely: a "
          "container id is mapped twice; correct the lxc.idmap lines in 101.conf" },
        { NULL, "mv etc/pve etc/gone; mkdir etc/pve", ":",
          "pve-not-mounted 3 gpu= old= new=: /etc/pve is not mounted; "
          "systemctl status pve-cluster" },
        { NULL, "sed -i s/226:1' '/226:7' '/ etc/pve/lxc/101.conf",
          "sed -i s/226:7' '/226:1' '/ etc/pve/lxc/101.conf",
          "-container-stale 5 gpu= old= new=: resolved: container 101: 101.conf is out of date: 1 "
          "change: line 13: lxc.cgroup2.devices.allow: c 226:7 rwm -> c 226:1 rwm" },
};

static void step(struct stage *s, const char *command) {
        shell("cd %s && { %s; }", s->root, command);
        look(s);
}

static void each_kind_says_what_to_do(void **state) {
        for (size_t i = 0; i < ELEMENTS(rows); i++) {
                struct stage *s = new_stage("guide");
                const char *told;

                step(s, rows[i].first ? rows[i].first : ":");
                step(s, rows[i].second);
                if (rows[i].third)
                        step(s, rows[i].third);
                told = s->log.len ? strstr(strbuf_str(&s->log), rows[i].line) : NULL;
                if (!told || told[strlen(rows[i].line)] != '\n')
                        fail_msg("%s\nis told as\n%s", rows[i].second, strbuf_str(&s->log));
                end_stage(s);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_kind_says_what_to_do),
        };

        return cmocka_run_group_tests(tests, set_up_stages, tear_down_stages);
}
