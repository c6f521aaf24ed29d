# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""Writes a dump as trace-event JSON, which https://ui.perfetto.dev and chrome://tracing show: a process a component, a thread a thread,
slices for calls, requests and waits, arrows from a call to the request that it became, instants for the rest."""
import json

VERBS = {"CALL": "call", "DISPATCH": "serve", "WAIT": "wait"}


def title(span):
    if span.kind in ("CALL", "DISPATCH"):
        what = span.operation or f"operation {span.record.second}"
        return f"{VERBS[span.kind]} {what}"
    return VERBS.get(span.kind, span.kind)


def arguments(span, events, errors):
    """The fields of the record, and those of the one that ended it."""
    result = {"cpu": span.record.cpu}
    for record in filter(None, (span.record, span.close)):
        event = events[record.event]
        for name, value in zip(event.fields, (record.first, record.second)):
            key = name if record is span.record else f"{event.name.lower()} {name}"
            result[key] = errors.get(value, str(value)) if name in ("result", "error") else value if name == "operation" else hex(value)
    if span.end is not None and not span.close:
        result["unfinished"] = True
    return result


def convert(dump, spans, events, errors):
    """The list of trace events."""
    pids, out, arrows = {}, [], 0
    def time(tsc):
        return round(tsc * 1000 / dump.tsc_khz, 3)
    for thread in dump.threads.values():
        if thread.component not in pids:
            pids[thread.component] = len(pids) + 1
            out.append({"ph": "M", "name": "process_name", "pid": pids[thread.component], "tid": 0, "args": {"name": thread.component}})
        out.append({"ph": "M", "name": "thread_name", "pid": pids[thread.component], "tid": thread.number, "args": {"name": thread.name}})
    def place(span):
        return {"pid": pids[span.thread.component], "tid": span.thread.number, "ts": time(span.begin)}
    for number in dump.threads:
        for span in spans[number]:
            event = {"name": title(span), "cat": span.kind, **place(span), "args": arguments(span, events, errors)}
            if span.end is None:
                out.append({**event, "ph": "i", "s": "t"})
                continue
            out.append({**event, "ph": "X", "dur": round(time(span.end) - time(span.begin), 3)})
            if span.answer:
                arrows += 1
                out.append({"ph": "s", "id": arrows, "name": "call", "cat": "flow", **place(span)})
                out.append({"ph": "f", "bp": "e", "id": arrows, "name": "call", "cat": "flow", **place(span.answer)})
    return out


def write(dump, path, spans, events, errors):
    """Raises OSError."""
    text = json.dumps({"traceEvents": convert(dump, spans, events, errors), "displayTimeUnit": "ns"}, separators=(",", ":"))
    with open(path, "w") as f:
        f.write(text.replace('},{"', '},\n{"') + "\n")
