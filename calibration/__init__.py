"""From the evidence folder to the small files of ``calibration/derived`` and to the parameter table."""
