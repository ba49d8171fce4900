"""YAML text to the model: what a marketer writes, read with every mistake told at once."""
