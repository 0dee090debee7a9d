"""Pictures of what a service sees, drawn: as SVG, Mermaid and DOT. Nothing here knows a value."""
