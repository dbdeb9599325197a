"""Detectors on cohorts: what happened, what each of them said, how well that fits (see bench_detector.py)."""
