"""What people may ask of it, without HTTP: phone, tablet, desk and command line call the same functions."""
