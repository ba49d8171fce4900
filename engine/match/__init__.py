"""Which conditions hold: the tree that says what they mean, and the nets that answer fast."""
