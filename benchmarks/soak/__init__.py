"""A working day of many agents in minutes: nothing may be left over, nothing unrecorded.

    make soak                          five minutes, 50 agents, 200 event streams
    python -m benchmarks.soak --minutes 1 --seed 7

A real worker, a real TLS upstream and real clients. Every request bears an id in its path; when all
is over the log must hold each exactly once, and the worker no task, socket or memory more than
before. A short form runs in the test suite.
"""
