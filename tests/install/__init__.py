"""Tests of what is installed: the locks, the wheel, and what the wheel holds."""
