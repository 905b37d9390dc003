/*
 * The upstream of the benchmark: knows every name, and is too cheap to matter.
 *
 * An A question for any name gets one address in 10.0.0.0/8 derived from the name, so that
 * names have different answers and the same name always has the same one. Any other type gets
 * "no data" with an SOA record. RA is set because forwarders expect a resolver upstream
 * (Unbound calls one without it lame); the question is echoed byte for byte because some
 * forwarders randomize its case; an OPT record is answered with an OPT record because some
 * take its absence for a server that does not know EDNS.
 *
 *     responder ADDRESS PORT TTL
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, PACKET = 1500, HEADER = 12, TYPE_A = 1 };

static unsigned char packets[BATCH][PACKET];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];
static uint32_t ttl;

static unsigned char *put16(unsigned char *to, unsigned value)
{
    to[0] = value >> 8;
    to[1] = value;
    return to + 2;
}

static unsigned char *put32(unsigned char *to, uint32_t value)
{
    return put16(put16(to, value >> 16), value & 0xffff);
}

/* Owner (a pointer to the question's name), type, class IN, TTL. */
static unsigned char *put_record_start(unsigned char *to, unsigned type)
{
    to = put16(to, 0xc000 | HEADER);
    to = put16(to, type);
    to = put16(to, 1);
    return put32(to, ttl);
}

static unsigned char *put_address(unsigned char *to, uint32_t hash)
{
    to = put16(put_record_start(to, TYPE_A), 4);
    return put32(to, 0x0a000000 | (hash & 0xffffff));
}

static unsigned char *put_start_of_authority(unsigned char *to)
{
    to = put16(put_record_start(to, 6), 2 + 2 + 5 * 4);
    to = put16(to, 0xc000 | HEADER);
    to = put16(to, 0xc000 | HEADER);
    to = put32(to, 1);
    to = put32(to, 7200);
    to = put32(to, 900);
    to = put32(to, 1209600);
    return put32(to, ttl);
}

/* Turns the query into its reply in place; 0 when it is no query worth an answer. */
static size_t answer(unsigned char *packet, size_t length)
{
    if (length < HEADER + 5 || (packet[2] & 0xf8) || packet[4] || packet[5] != 1)
        return 0;
    uint32_t hash = 2166136261u; /* FNV-1a over the lower-cased name */
    unsigned char *at = packet + HEADER, *end = packet + length;
    while (at < end && *at) {
        if (*at > 63 || at + *at + 1 >= end)
            return 0;
        for (unsigned char *last = at + *at; at < last; )
            hash = (hash ^ tolower(*++at)) * 16777619u;
        at++;
    }
    if (end - at < 5)
        return 0;
    unsigned type = at[1] << 8 | at[2];
    int has_opt = packet[10] << 8 | packet[11];
    at += 5;

    packet[2] |= 0x80;                            /* QR, with the query's RD */
    packet[3] = 0x80 | (packet[3] & 0x10);        /* RA, with the query's CD; NOERROR */
    put16(packet + 6, type == TYPE_A);
    put16(packet + 8, type != TYPE_A);
    put16(packet + 10, has_opt ? 1 : 0);
    at = type == TYPE_A ? put_address(at, hash) : put_start_of_authority(at);
    if (has_opt) {
        static const unsigned char opt[] = { 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0 };
        memcpy(at, opt, sizeof opt);
        at += sizeof opt;
    }
    return at - packet;
}

static int listen_on(const char *address, const char *port)
{
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
    int size = 4 << 20;
    if (inet_pton(AF_INET, address, &local.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", address);
        exit(2);
    }
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&local, sizeof local) < 0) {
        perror("bind");
        exit(1);
    }
    return descriptor;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s ADDRESS PORT TTL\n", argv[0]);
        return 2;
    }
    int descriptor = listen_on(argv[1], argv[2]);
    ttl = strtoul(argv[3], NULL, 10);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            /* Room is left behind the question for the answer. */
            vectors[i] = (struct iovec){ packets[i], PACKET - 128 };
            messages[i].msg_hdr = (struct msghdr){
                .msg_name = &peers[i], .msg_namelen = sizeof peers[i],
                .msg_iov = &vectors[i], .msg_iovlen = 1,
            };
        }
        int count = recvmmsg(descriptor, messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && errno != EINTR && errno != ECONNREFUSED) {
            perror("recvmmsg");
            return 1;
        }
        int replies = 0;
        for (int i = 0; i < count; i++) {
            size_t length = answer(packets[i], messages[i].msg_len);
            if (!length)
                continue;
            vectors[i].iov_len = length;
            messages[replies++].msg_hdr = messages[i].msg_hdr;
        }
        for (int sent = 0; sent < replies;) {
            int now = sendmmsg(descriptor, messages + sent, replies - sent, 0);
            sent += now > 0 ? now : 1;
        }
    }
}
