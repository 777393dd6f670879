/*
 * Preloaded into nginx, so that a test can see the month change:
 * AGENTVISTA_TEST_CLOCK seconds are added to the time of day.
 */

#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>


static long  clock_offset;


static void __attribute__((constructor))
clock_init(void)
{
    const char  *seconds;

    seconds = getenv("AGENTVISTA_TEST_CLOCK");
    clock_offset = (seconds != NULL) ? atol(seconds) : 0;
}


int
gettimeofday(struct timeval *tv, void *tz)
{
    int  rc;

    rc = syscall(SYS_gettimeofday, tv, tz);
    tv->tv_sec += clock_offset;

    return rc;
}
