"""What can be said of the rows before a training is paid for: leaks, classes, wrong labels."""
