"""The demo: invented content, and driving it through the real engine."""
