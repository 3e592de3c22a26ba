"""What strangers may send, made by the hundred and sent through our own doors."""
