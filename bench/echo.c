/*
 * The floor of the benchmark: a UDP server that does nothing but system calls.
 *
 * It receives and sends in batches as a batching DNS cache would, flips the QR bit so that a
 * DNS client accepts the packet as a reply, and leaves everything else alone. What a cache
 * costs above this is what the cache itself does; what it costs below this is impossible with
 * these system calls.
 *
 *     echo ADDRESS PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, PACKET = 1500 };

static unsigned char packets[BATCH][PACKET];
static struct sockaddr_in peers[BATCH];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static int listen_on(const char *address, const char *port)
{
    struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
    if (inet_pton(AF_INET, address, &local.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", address);
        exit(2);
    }
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&local, sizeof local) < 0) {
        perror("bind");
        exit(1);
    }
    return descriptor;
}

static int receive_batch(int descriptor)
{
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ packets[i], PACKET };
        messages[i].msg_hdr = (struct msghdr){
            .msg_name = &peers[i], .msg_namelen = sizeof peers[i],
            .msg_iov = &vectors[i], .msg_iovlen = 1,
        };
    }
    return recvmmsg(descriptor, messages, BATCH, MSG_WAITFORONE, NULL);
}

static void send_batch(int descriptor, int count)
{
    for (int i = 0; i < count; i++) {
        vectors[i].iov_len = messages[i].msg_len;
        if (messages[i].msg_len > 2)
            packets[i][2] |= 0x80;
    }
    for (int sent = 0; sent < count;) {
        int now = sendmmsg(descriptor, messages + sent, count - sent, 0);
        /* A client that is gone is not this server's trouble: skip its packet. */
        sent += now > 0 ? now : 1;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS PORT\n", argv[0]);
        return 2;
    }
    int descriptor = listen_on(argv[1], argv[2]);
    for (;;) {
        int count = receive_batch(descriptor);
        if (count > 0)
            send_batch(descriptor, count);
        else if (count < 0 && errno != EINTR && errno != ECONNREFUSED) {
            perror("recvmmsg");
            return 1;
        }
    }
}
