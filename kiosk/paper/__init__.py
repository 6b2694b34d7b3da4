"""Documents on A4: a receipt's words become a PDF that readers for the blind can read, the same bytes each time.

This room knows paper and nothing of sessions: words and figures come in as they are to be read.
"""
