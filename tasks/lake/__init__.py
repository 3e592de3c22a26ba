"""The lake stage: pin a snapshot, pull what is new, verify what came."""
