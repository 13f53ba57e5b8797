"""Tables in and out: data frames of several libraries, and files."""
