"""The page of one session, whatever its state: pay, wait, live, settling, receipt."""
