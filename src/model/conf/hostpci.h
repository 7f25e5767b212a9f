/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * hostpci - what a virtual machine's file says of the GPUs that it takes
 *
 * As Proxmox has it (qemu-server, PVE::QemuServer::PCI):
 *
 *     hostpci0: 0000:c1:00.0,pcie=1
 *     hostpci1: host=01:00;02:00.0,x-vga=1
 *     hostpci2: mapping=igpu,mdev=i915-GVTg_V5_4
 *
 * An address without a function stands for all functions of the device.
 */
#include "base/bytes.h"

/** struct hostpci - one hostpciN line of a virtual machine's file */
struct hostpci {
        const char *key;
        const char **paths; /* long form; without a function: all of them */
        size_t n_paths;
        const char *mapping; /* name in pci.cfg, whose paths are to be filled in; NULL: none */
        bool mediated;
};

/**
 * hostpci_parse() - the hostpciN lines of a virtual machine
 * @a:    arena of the result
 * @conf: its file; all sections but the first (pending, snapshots) are left out
 * @ret:  one per key, as Proxmox takes it: of two lines the last
 *
 * Return: number of lines.
 */
size_t hostpci_parse(struct arena *a, struct bytes conf, struct hostpci **ret);
