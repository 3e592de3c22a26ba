"""The training stage: split, name the job from what it is, submit or adopt, wait, collect."""
