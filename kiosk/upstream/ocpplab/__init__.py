"""OCPPLAB: virtual chargers, and what is known of the make of real ones."""
