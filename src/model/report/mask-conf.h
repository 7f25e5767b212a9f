/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask-conf - masking of a container's files, and of any file line by line
 */
#include "model/gpu/facts.h"
#include "model/report/mask.h"

/**
 * mask_conf() - a container's file, or the configuration that LXC reads
 *
 * Lines about devices and id maps stay, all sections; what is not needed is
 * masked as a whole. Learns names: to have those of one file masked in the notes
 * of another, go through all of them twice.
 */
struct bytes mask_conf(struct mask *m, struct bytes conf);

/**
 * conf_names_gpu() - whether any line of any section of a container's file is about a GPU
 * @f: facts, with the list of majors
 */
bool conf_names_gpu(struct arena *a, const struct facts *f, struct bytes conf);

/** mask_conf_line() - one line of a container's file */
struct bytes mask_conf_line(struct mask *m, struct bytes line);

/** is_heading() - whether a line is [one] */
bool is_heading(struct bytes line);

/** mask_heading() - [before-upgrade], [pin pve1]; those with a colon are Proxmox's own */
struct bytes mask_heading(struct mask *m, struct bytes line);

/** mask_lines() - every line by itself; line ends stay as they are */
struct bytes mask_lines(struct mask *m, struct bytes text,
                        struct bytes (*one)(struct mask *m, struct bytes line));
