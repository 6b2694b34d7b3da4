"""What every page needs: words, formats, icons, devices, errors, security, static files."""
