// Another time of day for one program: preloaded into it, moves what it is told by CLOCK_OFFSET_S seconds. Time that only runs, which is
// what time-outs are counted by, stays as it is.
//
//   cc -shared -fPIC -O1 -o clock-offset.so scripts/clock-offset.c
//   LD_PRELOAD=./clock-offset.so CLOCK_OFFSET_S=3600 terse serve

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*ask)(clockid_t, struct timespec *);
    static long offset_s;
    // Two threads that are here at once find the same.
    if (!ask) {
        const char *text = getenv("CLOCK_OFFSET_S");
        offset_s = text ? atol(text) : 0;
        ask = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    }
    int status = ask(clock, now);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        now->tv_sec += offset_s;
    }
    return status;
}
