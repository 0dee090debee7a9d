"""Drawings of what a service receives, as SVG, Mermaid and DOT. They contain no values."""
