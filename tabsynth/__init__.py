"""Privacy-preserving synthetic tables you can sign for."""

__version__ = "0.1.0"
