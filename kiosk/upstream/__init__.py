"""The outside systems, one class each: their words, units and oddities stop here. Every call is one attempt."""
