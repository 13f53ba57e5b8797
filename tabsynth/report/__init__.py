"""Reports: plain data first, then renderers."""
