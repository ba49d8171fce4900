"""Replays time: rule tests beside the rules, and recorded clickstreams."""
