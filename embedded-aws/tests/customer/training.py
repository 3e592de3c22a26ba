"""Training programs that are of no interest themselves: one ends at once, one never."""

QUICK = "print('done')"
FOREVER = """
    import time
    print("running", flush=True)
    while True:
        time.sleep(0.05)
"""
