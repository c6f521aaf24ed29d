#include "test/system/check.h"
#include "lib/service/env.h"
#include "test/system/compose_server/operations.h"
static void t(void)
{
    struct service_client c;
    word_t w[4] = {0, 0, 3, 4};
    print("judge here\n");
    error_t e = service_init(&c, "echo", "x", "", (struct service_quota){0, 0});
    print("%s\n", error_name(e));
    e = service_call_words(&c, COMPOSE_ADD, w);
    print("%s %lu %lu\n", error_name(e), w[1], w[2]);
    CHECK(e==0) ; TESTS_DONE();

}
int main(void){ RUN(t); return 0; }
