/*
 * Measures the latency a client sees at a fixed rate.
 *
 * Queries leave on a schedule that does not wait for replies (open loop), and each latency is
 * counted from the moment the query was *due*, not from when it was sent: a server that stalls
 * is charged for every query that should have been answered meanwhile. The process spins on
 * its CPU instead of sleeping, so that its own wake-ups are not part of the figures; `lag` says
 * how far it fell behind its schedule all the same, which is the floor of what can be trusted.
 *
 *     latency ADDRESS PORT RATE SECONDS NAMES-FILE
 *
 * Names are asked in turn for type A. Prints one line of key=value; times in nanoseconds.
 */
#include "queries.h"

enum { BATCH = 64, IDS = 65536 };

static uint64_t due_at[IDS]; /* by message id; 0 when nothing is outstanding */
static uint32_t *latencies, *lags;
static size_t answered, errors;

static void receive(int descriptor)
{
    static unsigned char packets[BATCH][512];
    static struct iovec vectors[BATCH];
    static struct mmsghdr messages[BATCH];
    for (int i = 0; i < BATCH; i++) {
        vectors[i] = (struct iovec){ packets[i], sizeof packets[i] };
        messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1 };
    }
    int count = recvmmsg(descriptor, messages, BATCH, MSG_DONTWAIT, NULL);
    uint64_t at = now();
    for (int i = 0; i < count; i++) {
        unsigned id = packets[i][0] << 8 | packets[i][1];
        if (messages[i].msg_len < HEADER || !(packets[i][2] & 0x80) || !due_at[id])
            continue;
        uint64_t latency = at - due_at[id];
        due_at[id] = 0;
        if (latency > PATIENCE)
            continue;
        errors += (packets[i][3] & 0x0f) != 0;
        latencies[answered++] = latency;
    }
}

static int ascending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t quantile(const uint32_t *sorted, size_t count, double share)
{
    if (!count)
        return 0;
    size_t index = share * count;
    return sorted[index < count ? index : count - 1];
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: %s ADDRESS PORT RATE SECONDS NAMES-FILE\n", argv[0]);
        return 2;
    }
    double interval = 1e9 / atof(argv[3]);
    size_t total = atof(argv[3]) * atof(argv[4]);
    read_names(argv[5]);
    int descriptor = connect_to(argv[1], argv[2]);
    latencies = calloc(total + 1, sizeof *latencies);
    lags = calloc(total + 1, sizeof *lags);

    size_t sent = 0;
    uint64_t start = now() + 1000000, end = start + (uint64_t)(interval * total) + PATIENCE;
    for (uint64_t time = now(); time < end && answered < total; time = now()) {
        /* At most a batch at once, so that replies are read while catching up. */
        for (int burst = 0; burst < BATCH && sent < total; burst++, sent++) {
            uint64_t due = start + (uint64_t)(interval * sent);
            if (due > time)
                break;
            struct query *query = &queries[sent % query_count];
            uint16_t id = sent;
            query->bytes[0] = id >> 8;
            query->bytes[1] = id;
            due_at[id] = due;
            uint64_t lag = time - due;
            lags[sent] = lag < UINT32_MAX ? lag : UINT32_MAX;
            send(descriptor, query->bytes, query->length, MSG_DONTWAIT);
        }
        receive(descriptor);
    }

    qsort(latencies, answered, sizeof *latencies, ascending);
    qsort(lags, sent, sizeof *lags, ascending);
    printf("sent=%zu answered=%zu lost=%zu errors=%zu p50=%u p90=%u p99=%u p999=%u max=%u "
           "lag_p50=%u lag_p99=%u lag_max=%u\n",
           sent, answered, sent - answered, errors,
           quantile(latencies, answered, 0.5), quantile(latencies, answered, 0.9),
           quantile(latencies, answered, 0.99), quantile(latencies, answered, 0.999),
           quantile(latencies, answered, 1), quantile(lags, sent, 0.5),
           quantile(lags, sent, 0.99), quantile(lags, sent, 1));
    return 0;
}
