/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * mask-settings - masking of policies, of the host's settings, and of what Proxmox
 * says about PCI devices
 */
#include "model/report/mask.h"

/** mask_settings() - a policy file or the host's settings */
struct bytes mask_settings(struct mask *m, struct bytes text);

/** mask_sections() - pci.cfg: descriptions and the names of nodes */
struct bytes mask_sections(struct mask *m, struct bytes text);

/** mask_hostpci() - of a virtual machine's file only the hostpci lines of its current section */
struct bytes mask_hostpci(struct mask *m, struct bytes conf);
