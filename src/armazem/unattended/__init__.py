"""A server that builds by itself: what comes into an inbox is loaded, what is new is built. Only `serve` calls it."""
