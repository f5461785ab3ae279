"""Interactive charts, each from one tidy table: Vega-Lite within a figure."""
