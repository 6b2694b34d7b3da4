"""The operator's own directory, which says who somebody is."""
