"""The champion after its release: read what it answered, compare it with its past, tell people.

What decides is `tasks.judge.monitor`; here it is fed, its state is kept, and what it finds is told.
"""
