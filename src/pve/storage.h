/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pve/pve.h"

/**
 * storage_snippet_path() - the file that a snippet's volume id names
 * @volid: "local:snippets/NAME", or an absolute path, which comes back with the prefix
 *
 * The storage's directory is read from <root>/etc/pve/storage.cfg (`dir`, `nfs`, `cifs`, `cephfs`,
 * `glusterfs`, `btrfs`: `path`, or /mnt/pve/<id> for the mounted kinds; `content-dirs
 * snippets=...`); without that file or entry `local` is /var/lib/vz. No Perl is started for
 * this: pvesm takes half a second.
 *
 * Return: the path, NULL when @volid is no snippet or its storage is unknown.
 */
const char *storage_snippet_path(const struct pve *pve, const char *volid);

/**
 * storage_snippet_dir() - the directory of a storage's snippets
 * @a:       arena for the result
 * @content: bytes of storage.cfg, empty when there is none
 * @storage: id of the storage
 *
 * Return: absolute path, NULL when the storage is unknown or keeps no files.
 */
const char *storage_snippet_dir(struct arena *a, struct bytes content, struct bytes storage);
