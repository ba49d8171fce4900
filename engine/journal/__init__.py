"""What happened, for people: written with each decision, read back by visitor and time."""
