/*
 * Preloaded into nginx, so that a test can see the month change: adds
 * AGENTVISTA_TEST_CLOCK seconds to the time of day, or as many as the file
 * AGENTVISTA_CLOCK has at the moment.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>


static long   clock_offset;
static char  *clock_file;


/* Now, since nginx clears the environment of its workers. */

static void __attribute__((constructor))
clock_init(void)
{
    const char  *seconds, *file;

    seconds = getenv("AGENTVISTA_TEST_CLOCK");
    clock_offset = (seconds != NULL) ? atol(seconds) : 0;

    file = getenv("AGENTVISTA_CLOCK");
    clock_file = (file != NULL) ? strdup(file) : NULL;
}


static long
clock_ahead(void)
{
    int      fd;
    char     text[32];
    ssize_t  n;

    if (clock_file == NULL) {
        return clock_offset;
    }

    fd = open(clock_file, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, text, sizeof(text) - 1);
    close(fd);

    text[n > 0 ? n : 0] = '\0';

    return atol(text);
}


int
gettimeofday(struct timeval *tv, void *tz)
{
    int  rc;

    rc = syscall(SYS_gettimeofday, tv, tz);
    tv->tv_sec += clock_ahead();

    return rc;
}
