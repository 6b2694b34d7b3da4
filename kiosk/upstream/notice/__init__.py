"""Where an operator wants to hear of trouble: addresses that take a signed webhook, or of an ntfy server."""
