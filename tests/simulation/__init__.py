"""Tests of the simulation: that it is the same again, that nothing breaks, and that planted mistakes are found."""
