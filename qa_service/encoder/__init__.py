"""Texts → unit vectors and token vectors; the embedded model; OpenVINO and torch."""
