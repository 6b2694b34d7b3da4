"""What an operator should know before drivers come, in sentences: `kiosk doctor` prints them, the desk shows them."""
