"""The daily report: a day beside the week and year before it, and what of builds, loads and refusals needs a look.

`cli` asks `report_of` for it, and has it written for a terminal, for programs, or as one HTML file for a mail.
"""
