"""The operator's own mail server, which takes the receipts of those who ask for them after the end."""
