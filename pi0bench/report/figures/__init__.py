"""The panels of the figure: success, the reasons why, and modes."""
