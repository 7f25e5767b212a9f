/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pci-address - where a PCI function is: domain, bus, device, function
 */
#include "base/bytes.h"

/** pci_address_normalize() - "c1:00.0" or "0000:C1:00.0" to "0000:c1:00.0"; NULL if it is none */
const char *pci_address_normalize(struct arena *a, struct bytes text);

/** pci_path_normalize() - the same, or of "c1:00" (all functions of a device) "0000:c1:00" */
const char *pci_path_normalize(struct arena *a, struct bytes text);

/** pci_path_has() - whether @address, in long form, is @path or one of its functions */
bool pci_path_has(const char *path, const char *address);
