/* The decoder of wire.h under libFuzzer: whatever comes, it reads nothing outside of the bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first two numbers are the decoder's own: a fuzzer that has to guess them learns little. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t start[] = {WIRE_MAGIC, WIRE_VERSION};
    size_t length = sizeof start + size;
    uint8_t *bytes = malloc(length);
    struct plan plan;

    if (bytes == NULL)
        return 0;
    memcpy(bytes, start, sizeof start);
    if (size > 0)
        memcpy(bytes + sizeof start, data, size);
    if (plan_decode(&plan, bytes, length, 8) == NULL && (plan.flags & PLAN_IN_MEMFD) == 0) {
        struct span_list lists[] = {plan.sysctls, plan.masked, plan.read_only, plan.arguments, plan.environment};
        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
            for (uint32_t n = 0; n < lists[i].count; n++) {
                struct span span = span_next(&lists[i].at);
                if (strlen(span.bytes) != span.length)
                    abort();
            }
    }
    free(bytes);
    return 0;
}
