"""Ids, clock, working days, faults, texts and dated parameters. No I/O, standard library only."""
