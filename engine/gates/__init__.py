"""What may hold a rule back: pure questions of a rule, the facts and an instant."""
