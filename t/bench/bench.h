/* What the benchmark tools share: time, random ids, latencies, the span. */

#ifndef _BENCH_H_INCLUDED_
#define _BENCH_H_INCLUDED_


#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


#define BENCH_AGENTS     20

/* About 250 bytes, as SDKs of agent frameworks attach them to every span. */
#define BENCH_METADATA                                                        \
    "{\"framework\":\"langgraph\",\"node\":\"retrieve\",\"step\":3,"          \
    "\"temperature\":0.2,\"top_p\":0.95,\"customer\":\"acme-industries\","    \
    "\"region\":\"eu-central-1\",\"retrieval\":{\"index\":\"kb-main\","       \
    "\"hits\":12,\"rerank\":true},\"finish_reason\":\"stop\","                \
    "\"tags\":[\"prod\",\"v2\"],\"request\":\"req-7f3a91\"}"

#define BENCH_TRACE_METADATA                                                  \
    "{\"environment\":\"production\",\"release\":\"2.14.3\","                 \
    "\"channel\":\"web\"}"

/* Every other span of a trace is a call of a model. */
#define bench_is_llm(i)      ((i) & 1)
#define bench_span_type(i)   (bench_is_llm(i) ? "llm" : "tool")
#define bench_span_name(i)                                                    \
    (bench_is_llm(i) ? "chat.completion" : "tool.search_documents")
#define bench_parent(i)      (((i) - 1) / 3)

#define BENCH_MODEL          "gpt-4o-mini"
#define BENCH_INPUT_TOKENS   812
#define BENCH_OUTPUT_TOKENS  108
#define BENCH_COST           "0.003200"
#define BENCH_SPAN_STEP_MS   7
#define BENCH_SPAN_MS        41


/* A value v is counted with a relative error of at most 1/64. */
#define BENCH_HIST_BITS      6
#define BENCH_HIST_SUB       (1 << BENCH_HIST_BITS)
#define BENCH_HIST_SIZE      ((64 - BENCH_HIST_BITS + 1) * BENCH_HIST_SUB)

typedef struct {
    uint64_t  count;
    uint64_t  sum;
    uint64_t  max;
    uint64_t  bucket[BENCH_HIST_SIZE];
} bench_hist_t;


typedef struct {
    uint64_t  s[2];
} bench_random_t;


void bench_die(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
void *bench_alloc(size_t size);
/* Memory that children made by fork() share. */
void *bench_alloc_shared(size_t size);

/* Nanoseconds: monotonic, of the day, of CPU time used by this process. */
uint64_t bench_now(void);
uint64_t bench_wall(void);
uint64_t bench_cpu(void);

void bench_random_seed(bench_random_t *rnd);

void bench_hist_add(bench_hist_t *h, uint64_t ns);
void bench_hist_merge(bench_hist_t *to, const bench_hist_t *from);
/* The latency that q of the values, 0 < q <= 1, do not pass; milliseconds. */
double bench_hist_ms(const bench_hist_t *h, double q);
/* Prints ,"mean_ms":... to "max_ms". */
void bench_hist_print(const bench_hist_t *h);

/* The number of s, or an end with a message that names the option. */
double bench_number(const char *option, const char *s, double min);

/* Lines of a file without their newline, their number in n. */
char **bench_lines(const char *path, size_t *n);


static inline uint64_t
bench_random(bench_random_t *rnd)
{
    uint64_t  a, b;

    /* xorshift128+ */

    a = rnd->s[0];
    b = rnd->s[1];

    rnd->s[0] = b;
    a ^= a << 23;
    rnd->s[1] = a ^ b ^ (a >> 17) ^ (b >> 26);

    return rnd->s[1] + b;
}


#endif /* _BENCH_H_INCLUDED_ */
