/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pci-address - the spellings of a PCI address
 */
#include "model/gpu/pci-address.h"

#include "base/number.h"

/* 1 to @digits digits without the 0x that parse_hex() would take */
static bool plain_hex(struct bytes s, unsigned digits, uint32_t *ret) {
        return (s.len < 2 || (s.data[1] | 0x20) != 'x') && parse_hex(s, digits, ret);
}

const char *pci_address_normalize(struct arena *a, struct bytes text) {
        uint32_t domain = 0, bus, slot, function;
        struct bytes part[3];
        size_t n = 0;

        while (n < 2 && bytes_split(text, ':', &part[n], &text))
                n++;
        if (n == 0 || !bytes_split(text, '.', &part[2], &text))
                return NULL;
        /* nvidia-smi writes eight digits of domain, sysfs four and for VMD five */
        if (n == 2 && !plain_hex(part[0], 8, &domain))
                return NULL;
        if (!plain_hex(part[n - 1], 2, &bus) || !plain_hex(part[2], 2, &slot) || slot > 0x1f ||
            !plain_hex(text, 1, &function) || function > 7)
                return NULL;
        return arena_printf(a, "%04x:%02x:%02x.%x", domain, bus, slot, function);
}

const char *pci_path_normalize(struct arena *a, struct bytes text) {
        const char *address = pci_address_normalize(a, text);
        char *whole;

        if (address || bytes_contains_char(text, '\0'))
                return address;
        whole = arena_printf(a, "%.*s.0", (int)(text.len < 32 ? text.len : 32), text.data);
        address = pci_address_normalize(a, bytes_of(whole));
        return address ? arena_strndup(a, address, strlen(address) - strlen(".0")) : NULL;
}

bool pci_path_has(const char *path, const char *address) {
        return str_has_prefix(address, path) &&
               (address[strlen(path)] == '\0' || address[strlen(path)] == '.');
}
