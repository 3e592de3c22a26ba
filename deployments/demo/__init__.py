"""The whole story on one machine, told in a few minutes and verified from outside."""
