"""What an operator types: `kiosk …`. Prints sentences; everything it does is a function of another room."""
