"""Boosted classifiers on coded columns: cells of a column, features, training, and a predictor of plain arrays."""
