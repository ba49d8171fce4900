"""A visitor as a set of events: sessions, pages, counts and states are derived from it."""
