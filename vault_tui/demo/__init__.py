"""The demo: a throw-away worker, an upstream of its own and simulated agents.

    cast      who plays: vaults, services, credentials, agents and what they like to ask (data)
    script    what happens when: a plan made from a seed, the same each time (pure)
    quota     what is used of each account's windows, by the time (pure)
    issuer    the demo's token endpoints: who signed in, and whose token is whose
    upstream  the Internet of the demo: one TLS server for every host, which checks credentials
    actor     an agent: sends the plan's requests through the proxy
    worker    the worker's process in a temporary home that never outlives the demo
    stage     all of it together

Nothing leaves the machine: the worker sends every host to the demo's upstream.
"""
