/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * uevent - device events in the form in which udevd sends them to its listeners
 *
 * For tests and benches that want the real netlink socket, with the kernel's
 * own queue and filter, without a udevd. Needs CAP_NET_ADMIN. The header is
 * that of libsystemd's device-monitor.c, and has been the same since 2009.
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct uevent_header {
        char prefix[8];
        uint32_t magic, header_size, properties_off, properties_len;
        uint32_t subsystem_hash, devtype_hash, tag_bloom_hi, tag_bloom_lo;
};

/* MurmurHash2, Austin Appleby, public domain; what the kernel's filter compares */
static inline uint32_t uevent_hash(const char *s) {
        const uint32_t m = 0x5bd1e995;
        size_t len = strlen(s);
        uint32_t h = (uint32_t)len, k;

        for (; len >= 4; s += 4, len -= 4) {
                memcpy(&k, s, 4);
                k *= m;
                k ^= k >> 24;
                h = (h * m) ^ (k * m);
        }
        for (size_t i = len; i-- > 0;)
                h ^= (uint32_t)(unsigned char)s[i] << (8 * i);
        h = len ? h * m : h;
        h ^= h >> 13;
        h *= m;
        return h ^ (h >> 15);
}

/* Return: socket to send on, -1 on failure. */
static inline int uevent_open(void) {
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
}

/* One event of a device of this subsystem to everybody who listens to "udev"; 0 or -1. */
static inline int uevent_send(int fd, const char *subsystem) {
        struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 2 };
        struct {
                struct uevent_header header;
                char properties[256];
        } message = { 0 };
        int n = snprintf(message.properties, sizeof(message.properties),
                         "ACTION=change%cDEVPATH=/devices/virtual/%s/none%c"
                         "SUBSYSTEM=%s%cSEQNUM=1%cUSEC_INITIALIZED=1%c",
                         0, subsystem, 0, subsystem, 0, 0, 0);

        message.header = (struct uevent_header){
                .prefix = "libudev",
                .magic = htonl(0xfeedcafe),
                .header_size = sizeof(message.header),
                .properties_off = sizeof(message.header),
                .properties_len = (uint32_t)n,
                .subsystem_hash = htonl(uevent_hash(subsystem)),
        };
        return sendto(fd, &message, sizeof(message.header) + (size_t)n, 0,
                      (struct sockaddr *)(void *)&to, sizeof(to)) < 0 ? -1 : 0;
}
