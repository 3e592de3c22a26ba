"""Who may ask, before any service sees the request: host names, browsers, strangers.

Programs of this machine may do everything: neither their signatures nor their policies are checked.
A page in a browser of this machine can send requests here as well, whoever wrote it, so what a
browser sends must be signed with this AWS's own secret key, or be open to everybody.
"""
