"""The worlds that tests are played in: what is built, and what is built only once for all of them."""
