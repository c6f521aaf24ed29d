// SPDX-License-Identifier: BSD-2-Clause
// SPDX-FileCopyrightText: 2026 The Tessera authors
//
// lib/service/client.c and call.c: the loop of call, mend, call again. THREADS share one handle; the service dies DEATHS
// times at any moment and comes back; the parent notices (and then revokes what the dead one gave) when it likes.
// A selector's content is the life of the service that it comes from, 0: empty.
//
// Shown for all interleavings: no request that may have run is sent again (each runs at most once), a thread is told
// SUCCESS only if its request ran, and nobody waits for ever once the service is back for good (SPIN's check for
// invalid end states). The timed wait of STALE_WAIT_US may end at any time; the counts of tries are left out.
#define THREADS 2
#define DEATHS  2

mtype = { SUCCESS, ECAP, EEXISTS, EABORT, ERETRY }

byte life = 1, deaths = 0;
bool up = true;         // the service lives
bool known = true;      // the parent believes so
byte revoked = 0;       // portals of lives up to this one have left all spaces
bool owes_up = false;   // a client was told ERETRY and has not been woken

byte portal = 0, session = 0, generation = 0, pseudonym = 0;
bool lock = false;
byte finished = 0;

#define ALIVE(l) (up && life == (l))

// What the kernel says of a call through `portal`.
#define LOOKUP(error)                                                                              \
    if                                                                                             \
    :: portal == 0 || portal <= revoked -> error = ECAP                                            \
    :: portal > revoked && !ALIVE(portal) -> error = EABORT                                        \
    :: else -> error = SUCCESS                                                                     \
    fi

// Under the lock: GET_PORTAL, and SERVICE_OPEN if there is no session.
inline open_all(error)
{
    do
    :: atomic {
           if
           :: known -> portal = life; error = SUCCESS
           :: else -> owes_up = true; error = ERETRY
           fi
       };
       if
       :: error == SUCCESS && session == 0 ->
           atomic {
               LOOKUP(error);
               if
               :: error == SUCCESS -> session = life
               :: else -> skip
               fi
           }
       :: else -> skip
       fi;
       if
       :: error == SUCCESS -> break
       :: error == ERETRY -> atomic { pseudonym > 0 -> pseudonym-- }
       :: error == ECAP || error == EABORT ->
           if
           :: atomic { pseudonym > 0 -> pseudonym-- }
           :: true // the deadline
           fi
       fi
    od
}

inline repair(error, seen)
{
    atomic { !lock -> lock = true };
    if
    :: generation == seen ->
        if
        :: error == EABORT -> portal = 0; session = 0
        :: error == EEXISTS -> session = 0; open_all(opened)
        :: error == ECAP -> open_all(opened)
        fi;
        generation++
    :: else -> skip
    fi;
    lock = false
}

proctype client()
{
    mtype error, opened;
    byte seen, in, ran = 0;
again:
    ran = 0;
    do
    :: seen = generation;
       atomic {
           LOOKUP(error);
           if
           :: error == SUCCESS && session != life -> error = EEXISTS
           :: else -> in = life
           fi
       };
       if
       :: error == SUCCESS ->
           if
           :: atomic { ALIVE(in) -> ran++; assert(ran == 1) }; // the request takes effect
              if
              :: ALIVE(in) -> skip
              :: !ALIVE(in) -> error = EABORT
              fi
           :: !ALIVE(in) -> error = EABORT
           fi
       :: else -> skip
       fi;
       if
       :: error == SUCCESS -> assert(ran == 1); break
       :: else -> repair(error, seen)
       fi;
       if
       :: error == EABORT -> goto again // told to the caller, whose next request is another
       :: else -> skip
       fi
    od;
    atomic { finished++; error = SUCCESS; opened = SUCCESS; seen = 0; in = 0; ran = 0 }
}

proctype world()
{
end:
    do
    :: atomic { up && known && deaths < DEATHS -> up = false; deaths++ }
    :: atomic { !up && known -> known = false; revoked = life }
    :: atomic { !up && !known -> life++; up = true }
    :: atomic {
           up && !known -> known = true;
           if
           :: owes_up -> owes_up = false; pseudonym++
           :: else -> skip
           fi
       }
    od
}

init {
    byte i;
    atomic {
        run world();
        for (i : 1 .. THREADS) {
            run client()
        }
    }
    finished == THREADS
}
