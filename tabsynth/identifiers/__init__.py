"""Direct identifiers: find them, and invent what replaces them."""
