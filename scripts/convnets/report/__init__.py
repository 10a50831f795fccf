"""The report: its values, its templates in report/sections, and the pages made of both."""
