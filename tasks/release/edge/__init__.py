"""Releases to users' own browsers and phones. See docs/edge.md.

The model comes from the CDN, the shares stand in the pointer as a percentage of users, and the
metrics are what clients report.

The journal, the intents, the leases, the judge and the verbs are those of every release; here is
what differs: how a journal begins (`plan`), what its phases mean (`rules`; pure), the acts (`acts`,
`switch`), the metrics (`windows`, `alarms`), what is read (`delivery`), and the door through which
clients report (`collector`).
"""
