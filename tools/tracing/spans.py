# SPDX-License-Identifier: BSD-2-Clause
# SPDX-FileCopyrightText: 2026 The Tessera authors
"""From records to what happened: a call from CALL to RETURN, a request from DISPATCH to REPLY, a wait from WAIT to WAKE; which request is
the answer to which call; and what operations are called. Spans of a thread nest. What has no other end is a point in time."""
import itertools

CLOSERS = {"RETURN": "CALL", "REPLY": "DISPATCH", "WAKE": "WAIT"}
SEL_PARENT, PARENT_COUNT = 0x100, 0x10  # selector.h: the parent's portals, one a CPU
ABOVE = " -> "                          # between the names of a label


class Span:
    def __init__(self, thread, kind, record):
        self.thread, self.kind, self.record = thread, kind, record
        self.begin, self.end, self.close = record.tsc, None, None  # end None: a point; close: the record that ended it
        self.operation = None                                      # SERVICE.NAME
        self.answer = None                                         # of a call: the request that it became


def thread_spans(thread, events, openers):
    """The spans and points of a thread, in the order of their beginnings, and the spans still open. A closer ends the latest open span of
    its kind; those that were opened after it and one that is opened again (a thread cannot call while it waits for an answer) never got
    their ends."""
    spans, opened = [], []
    for record in thread.records:
        kind = events[record.event].name
        opener = CLOSERS.get(kind)
        match = next((i for i in range(len(opened) - 1, -1, -1) if opened[i].kind == opener), None) if opener else None
        if match is not None:
            opened[match].end, opened[match].close = record.tsc, record
            del opened[match:]
            continue
        span = Span(thread, kind, record)
        spans.append(span)
        if kind in openers:
            again = next((i for i, s in enumerate(opened) if s.kind == kind), len(opened))
            del opened[again:]
            opened.append(span)
    return spans, opened


def request_name(span, operations):
    """SERVICE.OPERATION, if the handler's component, or the handler itself, has the name of a service whose operations are known."""
    number = span.record.second
    for name in (span.thread.component.rsplit(ABOVE, 1)[-1], span.thread.name.split(" ", 1)[0], "service"):
        if number in operations.get(name, {}):
            return f"{name}.{operations[name][number]}"
    return None


def call_name(span, operations):
    """That of its answer, or what the portal or the number alone says."""
    number = span.record.second
    if span.answer and span.answer.operation:
        return span.answer.operation
    name = "parent" if SEL_PARENT <= span.record.first < SEL_PARENT + PARENT_COUNT else "service"
    return f"{name}.{operations[name][number]}" if number in operations[name] else None


def join(spans):
    """Finds the request that each call became. The kernel goes from the caller to the handler at once, on the caller's CPU, and back: so
    the call's record is the last one of that CPU before the request's, both name the same operation, the reply comes before the return, and
    result and reply say the same. A call that had to wait for its handler, or whose handler is not traced, finds none."""
    by_cpu = {}
    for span in spans:
        by_cpu.setdefault(span.record.cpu, []).append((span.begin, span))
        if span.close:
            by_cpu.setdefault(span.close.cpu, []).append((span.end, None))
    for line in by_cpu.values():
        line.sort(key=lambda entry: entry[0])
        for (_, call), (_, request) in itertools.pairwise(line):
            if not call or not request or call.kind != "CALL" or request.kind != "DISPATCH" or call.thread is request.thread:
                continue
            same = call.record.second == request.record.second
            if same and call.close and request.close and request.end <= call.end and call.close.second == 0:
                same = call.close.first == request.close.first
            elif same:
                same = not call.close and not request.close
            if same:
                call.answer = request


def spans(dump, events, operations):
    """All spans of a dump by thread number: [Span]. Open ones end with the trace."""
    openers = {opens for number, e in events.items() for closes, opens in CLOSERS.items()
               if e.name == closes and (dump.events is None or dump.events >> number & 1)}
    last = max((t.records[-1].tsc for t in dump.threads.values() if t.records), default=0)
    result = {}
    for thread in dump.threads.values():
        result[thread.number], still = thread_spans(thread, events, openers)
        for span in still:
            span.end = last
    join([s for list_ in result.values() for s in list_])
    for list_ in result.values():
        for span in list_:
            if span.kind == "DISPATCH":
                span.operation = request_name(span, operations)
    for list_ in result.values():
        for span in list_:
            if span.kind == "CALL":
                span.operation = call_name(span, operations)
    return result
