"""Networks for tables, with scikit-learn's conventions."""
