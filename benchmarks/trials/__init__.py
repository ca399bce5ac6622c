"""Studies behind decisions; not made anew for a release."""
