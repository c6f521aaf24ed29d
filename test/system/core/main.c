#include "lib/rt/print.h"
#include "lib/rt/heap.h"
#include "lib/rt/memory.h"
#include "lib/rt/start.h"
#include "lib/rt/thread.h"
#include "lib/service/env.h"

static void other(void *p) { print("hello from a thread on %u\n", thread_cpu()); *(volatile int*)p = 1; }
int main(void)
{
    print("hello\n");
    u64 u, l, h;
    char *m = memory_alloc(100000);
    print("memory %p\n", (void*)m);
    if (m) m[99999] = 3;
    print("info %d", memory_info(&u, &l, &h));
    print(" %lu %lu %lu\n", u, l, h);
    memory_free(m, 100000);
    for (unsigned i = 0; i < hip()->cpu_count; i++) {
    struct thread t; volatile int x = 0;
    error_t e = thread_create(&t, i, 20, "other", other, (void*)&x);
    print("thread %s\n", error_name(e));
    if (!e) thread_join(&t);
    print("x %d\n", x);
    }
    struct rom r; error_t e = rom_open(&r, "init");
    print("rom %s %lu %.3s\n", error_name(e), r.size, (char*)r.data+1);
    rom_close(&r);
    print("test: DONE\n");
    struct io_port p;
    e = io_port_open(&p, 0xf4, 4);
    print("port %s\n", error_name(e));
    return 3;
}
