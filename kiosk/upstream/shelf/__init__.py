"""Where files of the operator's are put: a folder, WebDAV, or whatever speaks as S3 does.

No library does the last two here: what brings S3 into fsspec is a dozen packages for one kind of request, and their
errors do not say what the kiosk must know: whether it was sent, refused, or nobody knows.
"""
