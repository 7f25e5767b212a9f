/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pci-ids - comparing, writing and reading PCI ids */
#include "model/gpu/pci-ids.h"

#include "base/number.h"

bool pci_ids_equal(const struct pci_ids *a, const struct pci_ids *b) {
        return pci_ids_same_model(a, b) && a->subvendor == b->subvendor &&
               a->subdevice == b->subdevice;
}

bool pci_ids_same_model(const struct pci_ids *a, const struct pci_ids *b) {
        return a->vendor == b->vendor && a->device == b->device;
}

const char *pci_ids_model(struct arena *a, const struct pci_ids *ids) {
        return arena_printf(a, "%04x:%04x", ids->vendor, ids->device);
}

const char *pci_ids_subsystem(struct arena *a, const struct pci_ids *ids) {
        return arena_printf(a, "%04x:%04x", ids->subvendor, ids->subdevice);
}

bool pci_ids_parse(struct bytes text, uint32_t *ret_vendor, uint32_t *ret_device) {
        struct bytes vendor = bytes_cut(&text, ':');
        uint32_t number;

        if (!parse_hex(vendor, 4, &number) || !parse_hex(text, 4, ret_device))
                return false;
        *ret_vendor = number;
        return true;
}
