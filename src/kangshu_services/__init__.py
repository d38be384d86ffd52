"""The city's services: one folder each, found and never listed."""
