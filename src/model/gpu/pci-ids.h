/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * pci-ids - which model a PCI device is
 */
#include "base/bytes.h"

/** struct pci_ids - the four ids of a PCI function, 16 bits each; all 0 without ids */
struct pci_ids {
        uint32_t vendor, device;       /* the model: "1002:150e" */
        uint32_t subvendor, subdevice; /* the subsystem: who built the card from it */
};

/** pci_ids_known() - whether there are ids */
static inline bool pci_ids_known(const struct pci_ids *ids) {
        return ids->vendor != 0 || ids->device != 0;
}

/** pci_ids_equal() - whether model and subsystem are the same, or neither has ids */
bool pci_ids_equal(const struct pci_ids *a, const struct pci_ids *b);

/** pci_ids_same_model() - whether vendor and device are the same, whoever built the card */
bool pci_ids_same_model(const struct pci_ids *a, const struct pci_ids *b);

/** pci_ids_model() - "1002:150e" */
const char *pci_ids_model(struct arena *a, const struct pci_ids *ids);

/** pci_ids_subsystem() - "1f66:0031" */
const char *pci_ids_subsystem(struct arena *a, const struct pci_ids *ids);

/**
 * pci_ids_parse() - read a model or a subsystem, "1002:150e"
 * @text:       1 to 4 hexadecimal digits, a colon, 1 to 4 digits; 0x is accepted in front of them
 * @ret_vendor: vendor or subvendor; both untouched on failure
 */
bool pci_ids_parse(struct bytes text, uint32_t *ret_vendor, uint32_t *ret_device);
