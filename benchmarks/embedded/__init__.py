"""The AWS in the box: what it leaves behind when it is killed, and what it takes."""
