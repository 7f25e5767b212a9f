/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask-file - files of a host, line by line: of settings that word.def and key.def name the values,
 * word by word; of all others nothing
 */
#include "model/report/mask.h"

/**
 * mask_conf() - a container's file, or the configuration that LXC reads; all sections
 *
 * Names are masked wherever they stand: to have those of one file masked in another, go through
 * all of them twice.
 */
struct bytes mask_conf(struct mask *m, struct bytes conf);

/** mask_settings() - a policy file or the host's settings */
struct bytes mask_settings(struct mask *m, struct bytes text);

/** mask_sections() - pci.cfg */
struct bytes mask_sections(struct mask *m, struct bytes text);

/** mask_hostpci() - of a virtual machine's file only the hostpci lines of its current section */
struct bytes mask_hostpci(struct mask *m, struct bytes conf);
