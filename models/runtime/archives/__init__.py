"""The one door through which every model archive is looked into and unpacked.

Python's own extraction asks its filter about one member at a time, before the links that an earlier
member made are there; before 3.11.13, 3.12.11 and 3.13.4 an archive could lead out of its folder by
them. Here no link comes in at all, and what a header says is held to its bounds before anything is
read for it. Only the standard library is needed: containers unpack with it, too.
"""
