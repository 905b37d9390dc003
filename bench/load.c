/*
 * Closed-loop load, cheap enough that the server is the bottleneck.
 *
 * Keeps WINDOW queries outstanding over several sockets, sending and receiving in batches;
 * dnsperf spends more CPU per query than a fast cache does and so measures itself. A reply is
 * counted when its id is outstanding on its socket and QR is set. Queries that stay unanswered
 * for a second are lost and their places are filled again.
 *
 *     load ADDRESS PORT WINDOW SECONDS NAMES-FILE [once]
 *
 * With `once` it stops at the end of the file instead of starting over. Prints one line of
 * key=value; `elapsed` in nanoseconds.
 */
#include "queries.h"

#include <poll.h>

enum { SOCKETS = 16, BATCH = 64, SLOTS = 256 };

/* One socket and the ids outstanding on it: the id is a slot and the slot's generation. */
struct flow {
    int descriptor;
    int free_count;
    uint8_t free[SLOTS];
    uint8_t generation[SLOTS];
    uint64_t sent_at[SLOTS]; /* 0 when nothing is outstanding */
};

static struct flow flows[SOCKETS];
static uint64_t sent, answered, lost, errors, outstanding, sendable;
static unsigned char buffers[BATCH][512];
static struct iovec vectors[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(void)
{
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ buffers[i], sizeof buffers[i] };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
    }
}

static void send_on(struct flow *flow, uint64_t window, uint64_t time)
{
    int count = 0;
    while (count < BATCH && flow->free_count > 0 && outstanding < window && sent < sendable) {
        struct query *query = &queries[sent % query_count];
        int slot = flow->free[--flow->free_count];
        memcpy(buffers[count], query->bytes, query->length);
        buffers[count][0] = ++flow->generation[slot];
        buffers[count][1] = slot;
        vectors[count] = (struct iovec){ buffers[count], query->length };
        flow->sent_at[slot] = time;
        outstanding++;
        sent++;
        count++;
    }
    for (int done = 0; done < count;) {
        int now = sendmmsg(flow->descriptor, messages + done, count - done, 0);
        /* What cannot be sent stays outstanding and is counted as lost in time. */
        done += now > 0 ? now : 1;
    }
}

static void receive_on(struct flow *flow)
{
    prepare();
    int count = recvmmsg(flow->descriptor, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < count; i++) {
        int slot = buffers[i][1];
        if (messages[i].msg_len < HEADER || !(buffers[i][2] & 0x80) || !flow->sent_at[slot] ||
            buffers[i][0] != flow->generation[slot])
            continue;
        flow->sent_at[slot] = 0;
        flow->free[flow->free_count++] = slot;
        outstanding--;
        answered++;
        errors += (buffers[i][3] & 0x0f) != 0;
    }
}

static void give_up_on(struct flow *flow, uint64_t time)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        if (!flow->sent_at[slot] || time - flow->sent_at[slot] < PATIENCE)
            continue;
        flow->sent_at[slot] = 0;
        flow->free[flow->free_count++] = slot;
        outstanding--;
        lost++;
    }
}

int main(int argc, char **argv)
{
    if (argc != 6 && argc != 7) {
        fprintf(stderr, "usage: %s ADDRESS PORT WINDOW SECONDS NAMES-FILE [once]\n", argv[0]);
        return 2;
    }
    uint64_t window = strtoull(argv[3], NULL, 10);
    read_names(argv[5]);
    sendable = argc == 7 ? query_count : UINT64_MAX;
    struct pollfd polls[SOCKETS];
    for (int i = 0; i < SOCKETS; i++) {
        flows[i].descriptor = connect_to(argv[1], argv[2]);
        polls[i] = (struct pollfd){ .fd = flows[i].descriptor, .events = POLLIN };
        for (int slot = 0; slot < SLOTS; slot++)
            flows[i].free[flows[i].free_count++] = slot;
    }

    uint64_t start = now(), checked = start, time = start;
    uint64_t end = start + (uint64_t)(atof(argv[4]) * 1e9);
    /* Sending stops at the end; what is on its way then still counts. */
    while (outstanding > 0 || (time < end && sent < sendable)) {
        for (int i = 0; i < SOCKETS && time < end; i++) {
            uint64_t share = outstanding + (window - outstanding + SOCKETS - 1) / SOCKETS;
            prepare();
            send_on(&flows[i], share < window ? share : window, time);
        }
        if (poll(polls, SOCKETS, 100) > 0)
            for (int i = 0; i < SOCKETS; i++)
                if (polls[i].revents)
                    receive_on(&flows[i]);
        time = now();
        if (time - checked > PATIENCE / 10) {
            for (int i = 0; i < SOCKETS; i++)
                give_up_on(&flows[i], time);
            checked = time;
        }
    }
    printf("sent=%llu answered=%llu lost=%llu errors=%llu elapsed=%llu\n",
           (unsigned long long)sent, (unsigned long long)answered, (unsigned long long)lost,
           (unsigned long long)errors, (unsigned long long)(now() - start));
    return 0;
}
