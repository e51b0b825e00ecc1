"""Claimed: being written by the helper of tests/laws/test_schedule.py (13:10)."""
