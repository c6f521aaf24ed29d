// needs: drivers/serial/ring.c
// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// The byte ring: order, bounds, what does not fit, and a long walk against a stream's two
// positions.
#include "drivers/serial/ring.h"
#include "test/host/check.h"

static void full_ring_takes_no_more(void)
{
    u8 bytes[8], out[8] = {0};
    struct ring ring;
    ring_init(&ring, bytes, sizeof(bytes));
    CHECK(ring_room(&ring) == 8 && ring_used(&ring) == 0);
    CHECK(ring_take(&ring, out, sizeof(out)) == 0);
    CHECK(ring_put(&ring, "0123456789", 10) == 8);
    CHECK(ring_room(&ring) == 0 && ring_used(&ring) == 8);
    CHECK(ring_put(&ring, "x", 1) == 0);
    CHECK(ring_take(&ring, out, 3) == 3 && out[0] == '0' && out[2] == '2');
    CHECK(ring_put(&ring, "abcd", 4) == 3);
    CHECK(ring_take(&ring, out, 8) == 8 && out[0] == '3' && out[7] == 'c');
    CHECK(ring_take(&ring, out, 0) == 0 && ring_put(&ring, "", 0) == 0);
}

// Positions that wrap around 2^32 are no special case.
static void stream_keeps_its_order(void)
{
    enum { SIZE = 64 };
    u8 *bytes = malloc(SIZE), piece[100]; // of the heap, so that one byte beyond is noticed
    struct ring ring;
    u64 put = 0, taken = 0;
    unsigned wrong = 0;
    ring_init(&ring, bytes, SIZE);
    ring.head = ring.tail = 0xffffff00;
    for (unsigned i = 0; i < 200000; i++) {
        size_t length = random_below(sizeof(piece));
        if (random_below(2)) {
            for (size_t j = 0; j < length; j++)
                piece[j] = (u8)((put + j) * 7 + (put + j) / 256);
            size_t room = SIZE - (put - taken), done = ring_put(&ring, piece, length);
            wrong += done != (length < room ? length : room);
            put += done;
        } else {
            size_t used = put - taken, done = ring_take(&ring, piece, length);
            wrong += done != (length < used ? length : used);
            for (size_t j = 0; j < done; j++)
                wrong += piece[j] != (u8)((taken + j) * 7 + (taken + j) / 256);
            taken += done;
        }
        wrong += ring_used(&ring) != put - taken || ring_room(&ring) != SIZE - (put - taken);
    }
    CHECK(wrong == 0 && taken > 100000);
    free(bytes);
}

int main(void)
{
    RUN(full_ring_takes_no_more);
    RUN(stream_keeps_its_order);
    return check_failures != 0;
}
