/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * settings-file - one settings file as sections and entries
 */
#include "model/policy/ini.h"
#include "pve/pve.h"

#define SETTINGS_HOST_FILE "/etc/gpuanchor/gpuanchor.conf"

/** struct settings_file - what one file says, whatever the keys mean */
struct settings_file {
        const char *path;          /* without the prefix */
        struct bytes content;      /* empty when it cannot be read */
        const char *problem;       /* why nothing in it counts; NULL when it does */
        unsigned problem_line;     /* 0: the file as a whole */
        struct ini_entry *entries; /* in order, with those of headings; none when nothing counts */
        size_t n;
};

/**
 * settings_file_parse() - what the bytes of a settings file say
 * @a:       arena for the result
 * @content: nothing is assumed about them
 *
 * Nothing counts when one line is no INI line or too long, has a NUL byte, or the file has more
 * than INI_FILE_MAX bytes.
 */
struct settings_file settings_file_parse(struct arena *a, const char *path, struct bytes content);

/** settings_file_read() - whether the file is there, and then what it says */
bool settings_file_read(const struct pve *pve, const char *path, struct settings_file *ret);

/**
 * settings_host_files() - the files that are read after SETTINGS_HOST_FILE, in order
 * @ret: their paths without the prefix
 *
 * Return: 0, negative errno when the folder cannot be read to its end; @ret has what was found.
 */
int settings_host_files(const struct pve *pve, const char ***ret, size_t *ret_n);
