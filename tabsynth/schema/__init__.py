"""The schema: what a table is allowed to hold, read before the data and true of every row that comes out."""
