/* What the two load clients share: the names as ready queries, the clock, the socket. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { HEADER = 12 };

/* A reply later than this is lost: the client has asked again by then. */
static const uint64_t PATIENCE = 1000000000;

struct query {
    uint16_t length;
    unsigned char bytes[94];
};

static struct query *queries;
static size_t query_count;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* Writes the question "name A IN"; 0 when the name is no name or does not fit. */
static int write_query(struct query *query, const char *name)
{
    static const unsigned char header[HEADER] = { 0, 0, 1, 0, 0, 1 };
    static const unsigned char tail[] = { 0, 0, 1, 0, 1 };
    unsigned char *at = query->bytes + HEADER;
    unsigned char *limit = query->bytes + sizeof query->bytes - sizeof tail;
    memcpy(query->bytes, header, HEADER);
    while (*name) {
        size_t label = strcspn(name, ".");
        if (label == 0 || label > 63 || at + label + 1 > limit)
            return 0;
        *at++ = label;
        memcpy(at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    memcpy(at, tail, sizeof tail);
    query->length = at + sizeof tail - query->bytes;
    return 1;
}

/* Reads one name per line; what follows the name is ignored, so dnsperf's file serves. */
static void read_names(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[512];
    if (!file) {
        perror(path);
        exit(1);
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = 0;
        if ((query_count & (query_count + 1)) == 0)
            queries = realloc(queries, (2 * query_count + 2) * sizeof *queries);
        if (!queries || !write_query(&queries[query_count], line)) {
            fprintf(stderr, "%s: cannot ask for \"%s\"\n", path, line);
            exit(1);
        }
        query_count++;
    }
    fclose(file);
    if (!query_count) {
        fprintf(stderr, "%s holds no names\n", path);
        exit(1);
    }
}

static int connect_to(const char *address, const char *port)
{
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
    int size = 4 << 20;
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", address);
        exit(2);
    }
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    if (descriptor < 0 || connect(descriptor, (struct sockaddr *)&server, sizeof server) < 0) {
        perror("connect");
        exit(1);
    }
    return descriptor;
}
