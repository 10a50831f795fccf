"""Configuration: settings of data and training, tables and figures, checks and their messages."""
