/* Does to one program what a machine does at times: a disk that is full or can't be written to, and a clock that is wrong.
   It is preloaded. FAULTS_FILE is mapped and holds two numbers of 64 bits: the error of every write to files below
   FAULTS_FOLDER (0: none), and by how many milliseconds the clock is ahead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *orders;
static const char *folder;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("FAULTS_FILE");
    folder = getenv("FAULTS_FOLDER");
    int file = name && folder ? open(name, O_RDONLY) : -1;
    if (file < 0)
        return;
    void *map = mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (map != MAP_FAILED)
        orders = map;
    close(file);
}

static int refuses(int file) {
    char link[64], path[4096];
    if (!orders || !orders[0])
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)))
        return 0;
    errno = (int)orders[0];
    return 1;
}

#define REAL(name) ((__typeof__(&name))real(#name, &name##_real))
static void *real(const char *name, void **known) {
    if (!*known)
        *known = dlsym(RTLD_NEXT, name);
    return *known;
}
static void *write_real, *pwrite_real, *pwrite64_real, *ftruncate_real, *ftruncate64_real, *clock_gettime_real;

ssize_t write(int file, const void *from, size_t count) {
    return refuses(file) ? -1 : REAL(write)(file, from, count);
}
ssize_t pwrite(int file, const void *from, size_t count, off_t at) {
    return refuses(file) ? -1 : REAL(pwrite)(file, from, count, at);
}
ssize_t pwrite64(int file, const void *from, size_t count, off64_t at) {
    return refuses(file) ? -1 : REAL(pwrite64)(file, from, count, at);
}
int ftruncate(int file, off_t length) {
    return refuses(file) ? -1 : REAL(ftruncate)(file, length);
}
int ftruncate64(int file, off64_t length) {
    return refuses(file) ? -1 : REAL(ftruncate64)(file, length);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int done = REAL(clock_gettime)(clock, now);
    if (!done && clock == CLOCK_REALTIME && orders)
        now->tv_sec += orders[1] / 1000;
    return done;
}
