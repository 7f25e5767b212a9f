/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/bytes.h"

/**
 * file_read() - read a whole regular file
 * @a:    arena that gets the bytes
 * @path: file to read
 * @max:  largest size in bytes that is accepted
 * @ret:  content; a NUL byte follows it that @ret->len does not count
 *
 * Never blocks on a FIFO and never reads a device.
 *
 * Return: 0, -EFBIG if the file is larger than @max, -EINVAL if it is not a
 *         regular file, another negative errno on failure.
 */
int file_read(struct arena *a, const char *path, size_t max, struct bytes *ret);

enum file_flags {
        FILE_SYNC = 1, /* fsync() before the rename */
        FILE_NEW = 2,  /* -EEXIST when there is something of that name, whatever it is */
};

/**
 * file_replace() - give a file new content, whole or not at all
 * @path:    file to replace or create; its directory must exist
 * @content: new content
 * @mode:    permission bits of a new file; an existing file keeps its own
 * @flags:   enum file_flags
 *
 * Writes PATH.tmp.PID next to the target and renames it over: readers see the
 * old bytes or the new ones. What killed runs left of that name is removed. The
 * name is Proxmox's own habit and is ignored by it in /etc/pve; pmxcfs answers
 * EPERM to chmod, which is not an error here. A new file has no other name
 * before, where the file system can do that.
 *
 * Return: 0 or negative errno; on failure no temporary file is left.
 */
int file_replace(const char *path, struct bytes content, unsigned mode, unsigned flags);

/** struct file_edit - new content for a file that somebody else may write, too */
struct file_edit {
        struct bytes seen; /* as it was read; without data when it was not there */
        struct bytes content;
};

/** What file_edit() finds, besides errors of the system. */
enum file_problem {
        FILE_E_CHANGED = 1, /* the file is not what was read */
};

/**
 * file_edit() - the same for a file that still is what was read
 *
 * The comparison is the last thing before the rename, and what the rename put out is compared, too:
 * what somebody wrote in between goes back. Only in /etc/pve, which knows neither links nor
 * RENAME_EXCHANGE, the microseconds between the two cannot be closed.
 *
 * Return: 0, FILE_E_CHANGED, negative errno.
 */
int file_edit(const char *path, const struct file_edit *e, unsigned mode, unsigned flags);

/**
 * file_lock() - take the exclusive flock(2) of @fd
 * @timeout_ms: how long to try, looking every @step_ms; 0: once
 *
 * Returns 0, -ETIMEDOUT, or another negative errno.
 */
int file_lock(int fd, unsigned timeout_ms, unsigned step_ms);

/**
 * file_sweep() - remove the temporary files that killed runs left beside @path
 *
 * Those are named PATH.tmp.PID of a process that does not exist any more. file_replace() does
 * so itself; this is for a file that needs no new content now. A path that ends with "/": those
 * of all files in a folder, which has to be one that only we write to.
 */
void file_sweep(const char *path);

/** mkdir_parents() - create @path and its missing parents, as mkdir -p; 0 or negative errno */
int mkdir_parents(const char *path, unsigned mode);
