"""What keeps the checkout: its environment, the rendered pages and pictures, the figures of soak."""
