// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/rt/sync.c: the futex-like semaphore. Two kinds of threads on one semaphore that begins with INITIAL:
// takers, of which each may find its deadline passed at any time while it waits in the kernel, and givers. `count` is the
// counter in user memory, `kernel` that of the kernel semaphore; each atomic operation and hypercall is one step.
//
// Shown for all interleavings: nobody takes what was not there, nothing is lost (at the end, what was given and not
// taken can be taken), the kernel semaphore is left without a stray count, and nobody waits for ever (SPIN's check for
// invalid end states).
#define INITIAL 1
#define TAKERS  3
#define GIVERS  2

int count = INITIAL;
byte kernel = 0;
byte taken = 0, given = 0, expired = 0;
byte holders = 0;
byte finished = 0;

// Each taker tries once and keeps what it got. `may_expire` is false for the last resort: a wait without a deadline.
proctype taker(bool may_expire)
{
    int old;
    bool success = false;

    atomic { old = count; count = count - 1 }           // fetch_sub
    if
    :: old > 0 -> success = true
    :: else ->
        if
        :: atomic { kernel > 0 -> kernel-- }; success = true   // hc_sm_down returned SUCCESS
        :: may_expire ->                                // hc_sm_down returned ETIMEOUT: withdraw
            do
            :: atomic {
                   old = count;
                   if
                   :: old < 0 -> count = old + 1; expired++; break   // compare-and-swap succeeded
                   :: else -> skip
                   fi
               };
               // An up has counted us already: its kernel up is ours.
               atomic { kernel > 0 -> kernel-- }; success = true; break
            od
        fi
    fi;
    atomic {
        if
        :: success -> taken++; assert(taken <= given + INITIAL)
        :: else -> skip
        fi;
        finished++
    }
}

proctype giver()
{
    int old;
    atomic { given++; old = count; count = count + 1 }  // fetch_add
    if
    :: old < 0 -> kernel++                              // hc_sm_up
    :: else -> skip
    fi;
    finished++
}

init {
    atomic {
        run taker(true);
        run taker(true);
        run taker(false);
        run giver();
        run giver();
    }
    finished == TAKERS + GIVERS;
    // Nothing was lost and nothing made up; no count is left over in the kernel.
    assert(count == INITIAL + given - taken);
    assert(taken + expired == TAKERS);
    assert(kernel == 0);
}
