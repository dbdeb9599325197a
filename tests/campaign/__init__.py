"""The fault campaign: seeded faults between host and twin, each run checked against what the device took."""
