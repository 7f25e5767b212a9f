/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * guest - a container's files: find, lock, load, store, back up
 */
#include "model/conf/pctconf.h"
#include "pve/pve.h"

#define HOOK_NAME "gpuanchor-hook" /* snippet; by which a hookscript line of gpuanchor is known */
#define HOOK_VOLUME "local:snippets/" HOOK_NAME /* what `gpuanchor enable` sets */
#define VMID_MIN 100
#define VMID_MAX 999999999

enum guest_problem {
        GUEST_OK = 0,
        GUEST_E_NOT_MOUNTED, /* pmxcfs is stopped: /etc/pve is an empty folder */
        GUEST_E_NONE,        /* no such container on this node */
        GUEST_E_CHANGED,     /* somebody else wrote the file after it was loaded */
        GUEST_E_BUSY,        /* the configuration lock stayed taken */
        GUEST_E_TOO_LARGE,   /* the new content is over the 1 MiB that pmxcfs takes */
};

struct guest {
        uint32_t vmid;
        const char *root;        /* path prefix, "" for this machine */
        const char *conf_name;   /* "101.conf", for messages */
        const char *conf_path;   /* <root>/etc/pve/lxc/101.conf */
        const char *config_path; /* <root>/var/lib/lxc/101/config */
        struct bytes conf, config;
        struct pctconf lines, config_lines; /* of @conf and @config; edit a pctconf_copy() */
        const char *unread; /* after a failed guest_load(): the file, without the prefix */
        bool has_config; /* false before the first start, and for a template */
};

/** vmid_parse() - 100 to 999999999, digits only */
bool vmid_parse(const char *text, uint32_t *ret);

/**
 * guest_load() - read and parse both files of a container
 *
 * Return: 0, GUEST_E_NOT_MOUNTED, GUEST_E_NONE, negative errno.
 */
int guest_load(const struct pve *pve, uint32_t vmid, struct guest *ret);

/** guest_with() - container @g as if its files had this content */
struct guest guest_with(struct arena *a, const struct guest *g, struct bytes conf,
                        struct bytes config);

/** guest_setting() - value of @key in the container file, NULL when it has none or is empty */
const char *guest_setting(struct arena *a, const struct guest *g, const char *key);

/** guest_is_template() - whether the container is a template, which never starts */
bool guest_is_template(const struct guest *g);

/** guest_has_hook() - whether the container's hookscript line has the hook itself */
bool guest_has_hook(const struct guest *g);

/**
 * guest_store_conf() - replace /etc/pve/lxc/<vmid>.conf
 * @g:       guest to write, loaded with guest_load()
 * @content: new content
 *
 * Writes a temporary file next to the target and renames it over. The file must
 * still hold the bytes that guest_load() saw; otherwise somebody else wrote
 * meanwhile and nothing is touched.
 *
 * The caller holds the guest's lock, except inside the start hook, where
 * Proxmox itself holds it and taking it again would wait for ourselves.
 *
 * Return: 0, GUEST_E_CHANGED, GUEST_E_TOO_LARGE, negative errno.
 */
int guest_store_conf(const struct guest *g, struct bytes content);

/** guest_store_config() - the same for the generated /var/lib/lxc/<vmid>/config */
int guest_store_config(const struct guest *g, struct bytes content);

/**
 * guest_lock() - take the lock that pct takes
 * @timeout_ms: 10000 like Proxmox, 0 to try once
 * @ret_fd:     close it to unlock
 *
 * flock(), not fcntl(): that is what PVE::Tools::lock_file uses.
 *
 * Return: 0, GUEST_E_BUSY, negative errno.
 */
int guest_lock(const struct pve *pve, uint32_t vmid, int timeout_ms, int *ret_fd);

/** guest_lock_path() - the file that is locked */
const char *guest_lock_path(const struct pve *pve, uint32_t vmid);

/**
 * guest_announce() - say that policy and hookscript of a container are being changed together
 *
 * pct takes seconds to set a hookscript, and until then a policy without one looks forgotten.
 *
 * Return: what guest_announce_end() takes; the announcement ends with this process, too.
 */
int guest_announce(const struct pve *pve, uint32_t vmid);
void guest_announce_end(const struct pve *pve, uint32_t vmid, int fd);

/** guest_is_announced() - whether that is going on now; needs no rights */
bool guest_is_announced(const struct pve *pve, uint32_t vmid);

/**
 * guest_block() - keep lxc-start from starting the container: set the generated file aside
 *
 * For the drop-in, whose exit status systemd is told to ignore so that a missing
 * binary stops nothing. Proxmox generates the file again at the next pct start;
 * for a plain `systemctl start` guest_unblock() puts it back first. Needs no room.
 *
 * Return: 0 or negative errno.
 */
int guest_block(const struct pve *pve, uint32_t vmid);

/** guest_unblock() - put the file back if nothing new was generated since; no error when there is none */
void guest_unblock(const struct pve *pve, uint32_t vmid);

/** vmids_in() - the VMIDs of all VMID.conf in a folder, ascending; 0 or negative errno */
int vmids_in(struct arena *a, const char *folder, uint32_t **ret, size_t *ret_n);

/** guest_no_node() - why pve_node() gives none: -EACCES, GUEST_E_NOT_MOUNTED */
int guest_no_node(const struct pve *pve);

/** guest_list() - VMIDs of all containers of this node, ascending; 0, GUEST_E_NOT_MOUNTED, -errno */
int guest_list(const struct pve *pve, uint32_t **ret, size_t *ret_n);

/**
 * guest_is_managed() - whether a container's starts are gpuanchor's
 *
 * So it is when its own file's hookscript is the hook, or one that has called the hook: a wrapper,
 * whose value the policy's [memory] keeps. A policy file alone gives nothing: it may be of an
 * earlier container of that number.
 *
 * Made for the containers that are not: one read.
 */
bool guest_is_managed(const struct pve *pve, uint32_t vmid);

/** guest_conf_is_managed() - the same by a container file that was read, of any node */
bool guest_conf_is_managed(const struct pve *pve, uint32_t vmid, struct bytes conf);

/**
 * backup_save() - keep the loaded container file, the last 8, before another one is written
 * @next: what will be written, see backup_written()
 *
 * Return: 0 or negative errno.
 */
int backup_save(struct arena *a, const struct guest *g, struct bytes next);

/** backup_written() - what was to be written when the newest original was kept; false if unknown */
bool backup_written(struct arena *a, const struct guest *g, struct bytes *ret);

/**
 * backup_set_aside() - take the policy of an earlier container of this number out of the way
 * @g:      container, or its root and number alone when it is gone
 * @policy: path of the policy file, with the prefix
 * @ret:    folder below /var/lib/gpuanchor/earlier, without the prefix, that has it as "policy",
 *          and the container files that were kept of it
 *
 * All or nothing. What was set aside 30 days ago or more is removed. Return: 0 or negative errno.
 */
int backup_set_aside(struct arena *a, const struct guest *g, const char *policy, const char **ret);

/** backup_sweep() - remove what was set aside 30 days ago or more, and what killed runs left there */
void backup_sweep(struct arena *a, const char *root);

/** backup_last() - the newest kept original; 0, -ENOENT when there is none, negative errno */
int backup_last(struct arena *a, const struct guest *g, struct bytes *ret, const char **ret_path);
