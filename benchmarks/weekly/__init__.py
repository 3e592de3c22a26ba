"""The weekly run of all shipped models, from the lake to the users, on one machine."""
