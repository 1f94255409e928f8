"""The provider `http`: a product that a product file describes. `plugin.py` opens it."""
