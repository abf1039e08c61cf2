"""What everything stands on: the table, AWS, the clock, settings, logs. It knows no topic."""
