# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""Writes a dump as a Common Trace Format 1.8 directory (https://diamon.org/ctf/v1.8.3/): `metadata` in its description language, and a
stream a thread, since rings belong to threads and so do the records that they lost. Names and fields come from the tables (names.py)."""
import hashlib, os, struct, uuid

MAGIC = 0xc1fc1fc1
HEAD = struct.Struct("<I16sIQQQQQQQ")  # packet header, then its context up to the strings
EVENT = struct.Struct("<IQIQQ")        # header: id, time; context: CPU; two fields
# Fields that read better as something else than a hexadecimal number.
FIELD_TYPES = {"operation": "number_t", "result": "error_t", "error": "error_t"}

METADATA = """/* CTF 1.8 */
/* Made by tools/trace2ctf from include/tessera/trace.h. */
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := number_t;
typealias integer {{ size = 64; align = 8; signed = false; base = hex; }} := word_t;
typealias enum : number_t {{ {errors} }} := error_t;

trace {{
    major = 1; minor = 8;
    byte_order = le;
    uuid = "{uuid}";
    packet.header := struct {{ uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; }};
}};

env {{
    domain = "tessera";
    tracer_name = "tessera trace";
    cpus = {cpus};
}};

clock {{
    name = tsc;
    description = "time-stamp counter";
    freq = {hz};
    precision = 1;
    offset = 0;
    absolute = false;
}};
typealias integer {{ size = 64; align = 8; signed = false; map = clock.tsc.value; }} := tsc_t;

stream {{
    id = 0;
    event.header := struct {{ uint32_t id; tsc_t timestamp; }};
    event.context := struct {{ uint32_t cpu_id; }};
    packet.context := struct {{
        tsc_t timestamp_begin; tsc_t timestamp_end;
        number_t content_size; number_t packet_size; number_t events_discarded;
        number_t _thread_id; number_t _priority; string _component; string _thread;
    }};
}};
"""
# The underscores keep names apart from words of the language; readers take them off.
EVENT_CLASS = """
event {{
    /* {meaning} */
    name = "{name}"; id = {number}; stream_id = 0;
    fields := struct {{ {fields} }};
}};
"""


def metadata(dump, identity, events, errors):
    text = METADATA.format(uuid=identity, cpus=dump.cpus, hz=dump.tsc_khz * 1000,
                           errors=", ".join(f"{name} = {value}" for value, name in sorted(errors.items())))
    for e in sorted(events.values(), key=lambda e: e.number):
        fields = " ".join(f"{FIELD_TYPES.get(f, 'word_t')} _{f};" for f in e.fields)
        text += EVENT_CLASS.format(meaning=e.meaning.replace("*/", "* /"), name=e.name, number=e.number, fields=fields)
    return text


def packet(thread, identity, begin, end, lost, body):
    names = b"".join(s.encode().replace(b"\0", b"?") + b"\0" for s in (thread.component, thread.name))
    bits = (HEAD.size + len(names) + len(body)) * 8
    return HEAD.pack(MAGIC, identity.bytes, 0, begin, end, bits, bits, lost, thread.number, thread.priority) + names + body


def stream(thread, identity, first):
    """The thread's records. If its ring has lost some, they come after an empty packet at the time `first`, when tracing began at the
    latest: readers tell what was lost between two packets."""
    records = thread.records
    body = b"".join(EVENT.pack(r.event, r.tsc, r.cpu, r.first, r.second) for r in records)
    begin, end = (records[0].tsc, records[-1].tsc) if records else (first, first)
    empty = packet(thread, identity, first, first, 0, b"") if thread.lost else b""
    return empty + packet(thread, identity, begin, end, thread.lost, body)


def write(dump, path, events, errors):
    """Into the directory `path`, which is made, or emptied of an earlier trace. Raises OSError."""
    content = "".join(f"{t.number} {t.component} {t.name} {t.records}" for t in dump.threads.values())
    identity = uuid.UUID(bytes=hashlib.sha256(content.encode(errors="replace")).digest()[:16], version=4)
    first = min((t.records[0].tsc for t in dump.threads.values() if t.records), default=0)
    os.makedirs(path, exist_ok=True)
    old = [f for f in os.listdir(path) if f == "metadata" or f.startswith("thread-")]
    for name in sorted(set(os.listdir(path)) - set(old)):
        raise FileExistsError(f"{path}: found {name} in it, expected a new directory or that of an earlier trace")
    for name in old:
        os.remove(os.path.join(path, name))
    for thread in dump.threads.values():
        with open(os.path.join(path, f"thread-{thread.number:04x}"), "wb") as f:
            f.write(stream(thread, identity, first))
    with open(os.path.join(path, "metadata"), "w") as f:
        f.write(metadata(dump, identity, events, errors))
