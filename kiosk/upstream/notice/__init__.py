"""Where an operator wants to hear of trouble: what takes a signed webhook, an ntfy server, or an address of Apprise."""
