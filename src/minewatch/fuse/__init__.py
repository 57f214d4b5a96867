"""From evidence to a list: calibration, combination, false-discovery control."""
