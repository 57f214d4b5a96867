"""Where models and calibrations come from."""
